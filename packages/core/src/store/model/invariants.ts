import { equal, ok, deepEqual as same } from 'node:assert/strict'
import { isEnded } from '@accepted/contract'
import { taskDocument } from '../../task-document.ts'
import type { Contents } from '../../testing/contents.ts'
import type { TaskRecord } from '../record.ts'

const LANE = 'test'
const SUSPECTS = '~suspects'
const TIMES = [
  'createdMs',
  'updatedMs',
  'startedMs',
  'finishedMs',
  'deadlineMs',
  'confirmByMs',
  'expiresMs',
] as const

/** What must hold of all that a shard keeps, whatever has happened. @throws {AssertionError} */
export function checkContents(contents: Contents): void {
  const timers = contents.map('timers')
  for (const task of [...contents.open.values(), ...contents.done.values()]) checkWork(task)
  checkPlaces(contents, timers)
  checkCounts(contents, timers)
  checkIndexes(contents)
  checkLimits(contents, timers)
  checkExpiry(contents)
  checkFigures(contents)
}

/** What is counted is there. */
export function checkFigures(contents: Contents): void {
  const figures = contents.map('figures')
  equal(Number(figures.get('stored') ?? 0), contents.storedBytes, 'what is stored is counted')
  const charged = [...contents.map('stored')].filter(([name]) => name !== ' since')
  const expected = [...contents.storedByTenant].map(([name, bytes]): [string, string] => [
    name,
    String(bytes),
  ])
  same(sorted(charged), sorted(expected), 'each tenant is charged for what it has')
  checkPassed(contents)
  const tasks = [...contents.open.values(), ...contents.done.values()]
  const counts = Map.groupBy(tasks, ({ operation, status }) => `tasks ${operation} ${status}`)
  const counted = [...figures].filter(([name, count]) => name.startsWith('tasks ') && count !== '0')
  same(sorted(counted), sorted([...counts].map(([name, all]) => [name, String(all.length)])))
  const sum = (kind: string) =>
    [...figures].reduce((all, [name, count]) => all + (name.startsWith(`${kind} `) ? Number(count) : 0), 0)
  const left = sum('ended') + sum('withdrawn') + contents.open.size
  equal(sum('created'), left, 'what was created is open, has ended or was taken back')
  equal(sum('ended'), sum('expired') + contents.done.size, 'what has ended is there or has expired')
  const minutes = contents.keys.filter((key) => key.startsWith('expire:')).map((key) => key.slice(7))
  same([...contents.map('expiring').keys()].sort(), minutes.sort(), 'every list of expiry is known')
}

/** What was passed when room was made for its tenant, and can go now, is known; nothing else is. */
function checkPassed(contents: Contents): void {
  const passed = contents.map('passed')
  for (const [tenant, upto] of passed) {
    const canGo = [...contents.done.values()].filter(
      (task) =>
        task.tenant === tenant &&
        Number(orderOf(contents, task)) <= Number(upto) &&
        contents.list(`trying:${task.taskId}`).length === 0,
    )
    const late = [...contents.map(`late:${tenant}`).keys()]
    same(late.sort(), canGo.map(({ taskId }) => taskId).sort(), 'what was passed and can go is known')
  }
  const lists = contents.keys.filter((key) => key.startsWith('late:'))
  for (const key of lists) ok(passed.has(key.slice(5)), 'nothing is late where nothing was passed')
}

/** A task's place in lists, µs. */
function orderOf(contents: Contents, { taskId }: TaskRecord): string {
  return contents.field(taskId, 'fixed')!.split(' ')[4]!
}

/** What a task has done fits its state: none both completes and is undone. */
function checkWork({ status, reason, endsAs, progress, steps, result, resource }: TaskRecord): void {
  ok(progress >= 0 && progress <= 100)
  const states = [...steps.values()].map(({ state }) => state)
  const undoing = states.some((state) => state === 'reverting' || state === 'reverted')
  const canceled = status === 'canceling' || status === 'canceled' || status === 'failed'
  ok(canceled || !undoing, `a task that is ${status} is not undone`)
  equal(endsAs !== null, status === 'canceling')
  equal(reason !== null, canceled)
  const standing = [...steps.values()].some(({ undoable }) => undoable)
  if (canceled && isEnded(status) && reason !== 'revert_failed') ok(!standing, 'all is undone')
  const done = status === 'completed' || status === 'awaiting_confirmation'
  if (status !== 'canceling') equal(result !== undefined, done)
  if (status !== 'canceling' && !done) equal(resource, null)
}

/** Each open task stands in exactly one place, from which something will take it on. */
function checkPlaces(contents: Contents, timers: Map<string, string>): void {
  const flows = contents.keys.filter((key) => key.startsWith('flow:'))
  for (const [id, { status }] of contents.open) {
    ok(!contents.done.has(id), 'a task is open or ended')
    ok(!isEnded(status), 'what is open has not ended')
    const places = flows.filter((flow) => contents.map(flow).has(id))
    for (const flow of places) equal(flow, `flow:${LANE}:${contents.field(id, 'flow')}`)
    for (const kind of ['lease', 'retry', 'confirm']) if (timers.has(`${kind}:${id}`)) places.push(kind)
    equal(places.length, 1, `${id} is ${status} and stands in ${places}`)
    const held = places[0] === 'lease'
    if (status === 'running') ok(held)
    if (status === 'pending') ok(!held)
    equal(places[0] === 'confirm', status === 'awaiting_confirmation')
    checkAttempts(contents, id, held)
  }
  for (const [id, { status, attempts }] of contents.done) {
    ok(isEnded(status))
    for (const { endedMs } of attempts) ok(endedMs !== null, 'an ended task has no open attempt')
    for (const key of [...flows, 'timers'])
      for (const item of contents.map(key).keys()) ok(!item.endsWith(id), `an ended task stands in ${key}`)
  }
  for (const flow of flows) for (const id of contents.map(flow).keys()) ok(contents.open.has(id), 'no ghosts')
}

function checkAttempts(contents: Contents, id: string, held: boolean): void {
  const { attempts, status } = contents.open.get(id)!
  const open = attempts.filter(({ endedMs }) => endedMs === null)
  if (!held) equal(open.length, 0, 'an attempt is open only while it is held')
  if (status === 'running') equal(open.length, 1)
  if (open.length > 0) {
    equal(open.length, 1)
    equal(open[0], attempts.at(-1))
    const token = contents.field(id, 'token')
    ok(contents.field(id, `attempt:${token}`), 'the open attempt is that of the latest claim')
  }
  for (const { startedMs, endedMs } of attempts) ok(endedMs === null || endedMs >= startedMs)
}

/** The counts of the lane are those of its tasks. */
function checkCounts(contents: Contents, timers: Map<string, string>): void {
  const running = new Map<string, string>()
  for (const id of contents.open.keys()) {
    if (!timers.has(`lease:${id}`)) continue
    const flow = contents.field(id, 'flow')!
    running.set(flow, String(Number(running.get(flow) ?? 0) + 1))
  }
  same(sorted(contents.map(`running:${LANE}`)), sorted(running))
  ok(Number(running.get(SUSPECTS) ?? 0) <= 1, 'suspects run one at a time')
  const flows = contents.keys.filter((key) => key.startsWith('flow:'))
  const waiting = flows.reduce((sum, flow) => sum + contents.map(flow).size, 0)
  equal(Number(contents.map(`lane:${LANE}`).get('waiting') ?? 0), waiting, 'waiting tasks are counted')
}

/**
 * A flow that has items has turns or is held, one of both: if it is ready it has turns. One that is at its cap may have them until its
 * turn comes.
 *
 * @param allKnowCaps else programs that know none of caps are among them, by which a flow may stand in both places, or a ready one be held
 *   until a tick
 */
export function checkTurns(contents: Contents, allKnowCaps: boolean): void {
  const flows = contents.keys
    .filter((key) => key.startsWith('flow:'))
    .map((key) => key.slice(`flow:${LANE}:`.length))
  const [turns, held] = [contents.map(`turns:${LANE}`), contents.map(`held:${LANE}`)]
  const caps = contents.map('limits')
  const isReady = (flow: string) => {
    const cap = flow === SUSPECTS ? 1 : Number(caps.get(`${flow} running`) ?? Number.POSITIVE_INFINITY)
    return Number(contents.map(`running:${LANE}`).get(flow) ?? 0) < cap
  }
  for (const flow of turns.keys()) ok(flows.includes(flow), 'no flow without items has turns')
  if (!allKnowCaps) {
    const left = flows.filter((flow) => flow !== SUSPECTS && !turns.has(flow) && !held.has(flow))
    same(left, [], 'no flow is stranded')
    return
  }
  for (const flow of flows) if (isReady(flow)) ok(turns.has(flow), 'ready flows have turns')
  same([...held.keys()].sort(), flows.filter((flow) => !turns.has(flow)).sort(), 'all others are held')
}

function checkIndexes(contents: Contents): void {
  const expected = new Map<string, Map<string, string>>()
  for (const [id, task] of [...contents.open, ...contents.done]) {
    const order = orderOf(contents, task)
    for (const key of [`index:${task.tenant}`, `index:${task.tenant}:${task.operation}:${task.status}`]) {
      if (!expected.has(key)) expected.set(key, new Map())
      expected.get(key)!.set(id, order)
    }
  }
  const indexes = contents.keys.filter((key) => key.startsWith('index:'))
  same(indexes.sort(), [...expected.keys()].sort())
  for (const key of indexes) same(sorted(contents.map(key)), sorted(expected.get(key)!))
}

/** The timers of a task's limits are there exactly while these mean something, and at their times. */
function checkLimits(contents: Contents, timers: Map<string, string>): void {
  const expected = new Map<string, string>()
  for (const [id, { status, deadlineMs, confirmByMs, startedMs }] of contents.open) {
    const startBy = contents.field(id, 'start_by')
    if (status === 'pending' && startedMs === null && startBy) expected.set(`start:${id}`, startBy)
    if (deadlineMs !== null && status !== 'canceling') expected.set(`deadline:${id}`, String(deadlineMs))
    equal(confirmByMs !== null, status === 'awaiting_confirmation')
    if (confirmByMs !== null) expected.set(`confirm:${id}`, String(confirmByMs))
  }
  same(sorted([...timers].filter(([name]) => /^(start|deadline|confirm):/.test(name))), sorted(expected))
}

function checkExpiry(contents: Contents): void {
  const lists = contents.keys.filter((key) => key.startsWith('expire:'))
  const expiring = lists.flatMap((list) => contents.list(list))
  equal(new Set(expiring).size, expiring.length, 'a task expires once')
  for (const [id, { expiresMs }] of contents.done) {
    const minute = Math.floor(expiresMs! / 60_000) + 1
    ok(contents.list(`expire:${minute}`).includes(id), 'an ended task expires')
  }
}

/** What was last seen of each task. */
export type Seen = Map<
  string,
  { version: number; document: string; ended: string | null; text: string; passedMs: number }
>

/**
 * A version is one look: it grows when something that is shown changes, and only then. What has ended does not change.
 *
 * @param passedMs how far times were moved into the past, all in all
 */
export function checkHistory(contents: Contents, passedMs: number, seen: Seen): void {
  for (const task of [...contents.open.values(), ...contents.done.values()]) {
    const before = seen.get(task.taskId)
    const text = contents.text(task.taskId)
    if (before?.text === text && before.passedMs === passedMs) continue
    const now = { ...lookOf(task, passedMs), text, passedMs }
    if (before?.version === now.version)
      equal(now.document, before.document, 'the same version, another look')
    else if (before) {
      ok(now.version > before.version, 'a version never falls')
      ok(withoutVersion(now.document) !== withoutVersion(before.document), 'a new version looks different')
    }
    if (before?.ended) equal(now.ended, before.ended, 'what has ended does not change')
    seen.set(task.taskId, now)
  }
}

function lookOf(record: TaskRecord, passedMs: number) {
  const task = movedBack(record, passedMs)
  const document = taskDocument(task, { etaMs: null, soonestMs: null, queuePosition: null })
  return { version: task.version, document, ended: isEnded(task.status) ? document : null }
}

/** A record with the times that it had before they were moved into the past. */
export function movedBack(record: TaskRecord, passedMs: number): TaskRecord {
  const task = structuredClone(record)
  for (const name of TIMES) if (task[name] !== null) (task[name] as number) += passedMs
  for (const attempt of task.attempts) {
    attempt.startedMs += passedMs
    if (attempt.endedMs !== null) attempt.endedMs += passedMs
  }
  return task
}

function withoutVersion(document: string): string {
  return document.replace(/"version":\d+,/, '').replace(/"updated_at":"[^"]*",/, '')
}

export function sorted(entries: Iterable<[string, string]>): [string, string][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
}
