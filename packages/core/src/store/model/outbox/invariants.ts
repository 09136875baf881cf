import { equal, ok, deepEqual as same } from 'node:assert/strict'
import type { Contents } from '../../../testing/index.ts'
import { checkFigures, sorted } from '../invariants.ts'
import type { ModelDelivery, ToldTask } from './model-delivery.ts'
import { type Picture, tenantOf } from './picture.ts'

const LANE = 'callbacks'
/** What the store's clock may be ahead of the picture's, which moves by leaps only. */
const APART_MS = 1_000

/**
 * What must hold of all that a shard keeps of callbacks, whatever has happened.
 *
 * @param beganMs the store's clock when the picture's was 0
 * @throws {AssertionError}
 */
export function checkOutbox(contents: Contents, picture: Picture, beganMs: number): void {
  const time = (ms: number) => ms + picture.clock - beganMs
  checkDeliveries(contents, picture, time)
  checkPlaces(contents, picture, time)
  checkLists(contents, picture)
  checkCounts(contents, picture)
  checkEndpoints(contents, picture, time)
  checkTurns(contents, picture)
  checkExpiry(contents, picture, time)
  checkFigures(contents)
}

type Time = (ms: number) => number

function near(realMs: number, ms: number, what: string): void {
  ok(realMs >= ms && realMs < ms + APART_MS, `${what}: ${realMs}, not ${ms}`)
}

function namesOf(contents: Contents, prefix: string): string[] {
  return contents.keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
}

function checkDeliveries(contents: Contents, picture: Picture, time: Time): void {
  same(namesOf(contents, 'dlv:').sort(), picture.deliveries.map(({ id }) => id).sort())
  for (const delivery of picture.deliveries) {
    const kept = contents.map(`dlv:${delivery.id}`)
    const { task, event, status, stage, tries, token, losses, again, eventMs } = delivery
    same(
      ['task', 'flow', 'event', 'status', 'stage', 'tries', 'token'].map((name) => kept.get(name)),
      [task.id, task.flow, event, status, stage, tries, token].map(String),
    )
    equal(Number(kept.get('losses') ?? 0), losses)
    equal(kept.get('again') === '1', again)
    equal(Number(kept.get('at')) + picture.clock, eventMs)
    const attempts = [...kept.keys()].filter((name) => name.startsWith('attempt:'))
    equal(attempts.length, Math.min(100, tries))
    if (kept.has('expires')) ok(time(Number(kept.get('expires'))) > 0)
  }
}

/** A delivery that is pending is in exactly one place, from which something will take it on. */
function checkPlaces(contents: Contents, picture: Picture, time: Time): void {
  const timers = contents.map('timers')
  const expected = new Map<string, number>()
  for (const { id, place, due } of picture.deliveries) {
    if (place === 'due' || place === 'posting') expected.set(`${place}:${id}`, due)
  }
  for (const [flow, { probe }] of picture.endpoints) if (probe !== null) expected.set(`probe:${flow}`, probe)
  const names = [...timers.keys()].filter((name) => /^(due|posting|probe):/.test(name))
  same(names.sort(), [...expected.keys()].sort())
  for (const [name, due] of expected) near(time(Number(timers.get(name))), due, name)
  for (const flow of namesOf(contents, `flow:${LANE}:`)) {
    const waiting = [...contents.map(`flow:${LANE}:${flow}`).keys()]
    same(
      waiting,
      picture.waiting(flow).map(({ id }) => id),
      'what waits, the first one first',
    )
  }
  for (const flow of picture.flows) {
    equal(contents.map(`flow:${LANE}:${flow}`).size, picture.waiting(flow).length)
  }
}

function checkLists(contents: Contents, picture: Picture): void {
  const ids = (deliveries: ModelDelivery[]) => deliveries.map(({ id }) => id).sort()
  const tasks = new Map(picture.tasks.map((task) => [task.id, task]))
  const pending = ({ deliveries }: ToldTask) => deliveries.filter(({ status }) => status === 'pending')
  for (const id of namesOf(contents, 'trying:'))
    same(contents.list(`trying:${id}`).sort(), ids(pending(tasks.get(id)!)))
  for (const task of picture.tasks) equal(contents.list(`trying:${task.id}`).length, pending(task).length)
  for (const id of namesOf(contents, 'dlvs:')) ok(tasks.has(id))

  const failed = Map.groupBy(
    picture.deliveries.filter(({ status }) => status === 'failed'),
    ({ task }) => task.flow,
  )
  same(namesOf(contents, 'failed:').sort(), [...failed.keys()].sort())
  for (const [flow, deliveries] of failed) {
    const times = deliveries.map(({ id, eventMs }): [string, string] => [id, String(eventMs - picture.clock)])
    same(sorted(contents.map(`failed:${flow}`)), sorted(times))
  }
  const failing = Map.groupBy(failed.keys(), tenantOf)
  same(namesOf(contents, 'failing:').sort(), [...failing.keys()].sort())
  for (const [tenant, flows] of failing) same(contents.list(`failing:${tenant}`).sort(), flows.sort())
}

/** What is counted is there. */
function checkCounts(contents: Contents, picture: Picture): void {
  const held = picture.deliveries.filter(({ place }) => place === 'posting')
  const count = (of: (delivery: ModelDelivery) => string, which = (_: ModelDelivery) => true) =>
    sorted(
      [...Map.groupBy(held.filter(which), of)].map(([name, all]): [string, string] => [
        name,
        String(all.length),
      ]),
    )
  same(
    sorted(contents.map(`running:${LANE}`)),
    count(({ task }) => task.flow),
  )
  same(
    sorted(contents.map(`tenants:${LANE}`)),
    sorted([
      ...count(({ task }) => task.tenant),
      ...count(
        ({ task }) => `${task.tenant} slow`,
        ({ task }) => picture.slow(task.flow),
      ),
    ]),
  )
  const lane = contents.map(`lane:${LANE}`)
  const waiting = picture.deliveries.filter(({ place }) => place === 'flow').length
  equal(Number(lane.get('waiting') ?? 0), waiting, 'what waits is counted')
  equal(Number(lane.get('slots') ?? 0), picture.slots)
}

function checkEndpoints(contents: Contents, picture: Picture, time: Time): void {
  const known = new Set([...namesOf(contents, 'endpoint:'), ...picture.flows])
  for (const flow of known) {
    const kept = contents.map(`endpoint:${flow}`)
    const { cap, failures, pause, probe, recent, quick } = picture.endpoint(flow)
    const pending = picture.deliveries.filter(
      ({ task, status }) => task.flow === flow && status === 'pending',
    )
    equal(Number(kept.get('pending') ?? 0), pending.length)
    equal(Number(kept.get('failures') ?? 0), failures)
    equal(kept.get('recent') ?? '', recent)
    equal(Number(kept.get('quick') ?? 0), quick)
    equal(kept.has('quick'), quick > 0)
    equal(kept.get('cap') ?? null, cap === null ? null : String(cap))
    equal(kept.get('pause') ?? null, pause === null ? null : String(pause))
    equal(kept.has('probe'), probe !== null)
    if (probe !== null) near(time(Number(kept.get('probe'))), probe, 'probe')
    equal(cap === 0, probe !== null, 'what is let alone is probed')
    if (recent) ok(contents.map(`endpoints:${tenantOf(flow)}`).has(flow), 'what was tried is listed')
  }
}

/**
 * A flow that has items and is below its cap, and no other, has its turn, or stands aside since a group of it is at its cap: its
 * tenant, or all slow ones of that. A group of which some stand aside is at its cap, or one of its flows has its turn: when
 * that is over, the next has its own.
 */
function checkTurns(contents: Contents, picture: Picture): void {
  const turns = [...contents.map(`turns:${LANE}`).keys()]
  for (const flow of turns) ok(picture.openings(flow) > 0, `${flow} has a turn and nothing to be taken`)
  for (const flow of picture.flows) {
    const tenant = tenantOf(flow)
    const groups = picture.slow(flow) ? [tenant, `${tenant} slow`] : [tenant]
    const aside = groups.some((group) => contents.map(`aside:${group}`).has(flow))
    ok(picture.openings(flow) === 0 || turns.includes(flow) || aside, `${flow} is ready and has no turn`)
  }
  for (const group of namesOf(contents, 'aside:')) {
    const [tenant, slow] = group.split(' ') as [string, string?]
    const turn = turns.some((flow) => tenantOf(flow) === tenant && (!slow || picture.slow(flow)))
    const room = slow ? picture.slowRoom(tenant) : picture.tenantRoom(tenant)
    ok(turn || room <= 0, `${group} has room, but flows of it stand aside`)
    if (!slow) continue
    for (const flow of contents.map(`aside:${group}`).keys()) ok(picture.slow(flow), `${flow} is not slow`)
  }
}

/** Whatever has ended expires in time, and no list of those grows beyond them. */
function checkExpiry(contents: Contents, picture: Picture, time: Time): void {
  const lists = namesOf(contents, 'expire:')
  for (const id of contents.list('withheld')) ok(contents.done.has(id), 'only what has ended is withheld')
  for (const minute of lists) {
    const ids = contents.list(`expire:${minute}`)
    equal(new Set(ids).size, ids.length, 'a task is once in a list')
    ok(contents.map('expiring').has(minute))
  }
  for (const task of picture.tasks) {
    const record = contents.done.get(task.id)
    equal(record === undefined, task.expires === null)
    if (!record) continue
    near(time(record.expiresMs!), task.expires!, 'expiry')
    const minute = Math.floor(record.expiresMs! / 60_000) + 1
    const listed = contents.list(`expire:${minute}`).includes(task.id)
    if (!contents.list('withheld').includes(task.id)) ok(listed, 'an ended task expires')
    else ok(!listed && contents.list(`trying:${task.id}`).length > 0, 'only what is tried is withheld')
  }
}
