import { isEnded, type StepState, type TaskStatus } from '@accepted/contract'
import type { Estimate } from './estimator.ts'
import type { AttemptRecord, TaskRecord } from './store/record.ts'

const SHOWN_ATTEMPTS = 10

/** JSON text; most that is asked for is null, which costs as much to stringify as anything. */
const json = (value: unknown) => (value === null ? 'null' : JSON.stringify(value))

/** How a style bends the document. */
export interface Rendering {
  /** The style's words for the states; canonical without. */
  words?: Record<TaskStatus, string>
  /** JSON text shown as `result` while there is none; `null` without. */
  emptyResult?: string
  /** Query that the task's own link keeps, with its `?`. */
  selfQuery?: string
}

/** RFC 3339 UTC with milliseconds. The last one is kept: the tasks of a batch are of the same millisecond. */
export function timestamp(ms: number): string {
  if (ms !== latest.ms) latest = { ms, text: new Date(ms).toISOString() }
  return latest.text
}
let latest = { ms: Number.NaN, text: '' }

/** Whole seconds, upwards, but that less than a tenth is not worth a whole one. Never negative. */
export function wholeSeconds(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1000 - 0.1))
}

/** A document but for its estimate: what only the record decides. */
export interface DocumentFrame {
  before: string
  after: string
}

/**
 * The task document as JSON text. Bodies and results are spliced in as the text they came as, so that no member changes
 * its order and no number its digits. A record from a list, without them, gives a document without them.
 */
export function taskDocument(
  task: TaskRecord,
  estimate: Estimate,
  rendering: Rendering = {},
  slim = false,
): string {
  return framedDocument(documentFrame(task, rendering, slim), estimate)
}

/** A frame made whole by an estimate. */
export function framedDocument({ before, after }: DocumentFrame, { etaMs, queuePosition }: Estimate): string {
  return `${before},"eta":${etaMs === null ? null : wholeSeconds(etaMs)},"queue_position":${queuePosition},${after}`
}

/** The frame of the document that `taskDocument` gives. Written out: to stringify it as objects takes twice as long. */
export function documentFrame(task: TaskRecord, rendering: Rendering = {}, slim = false): DocumentFrame {
  const { head } = task
  const word = rendering.words?.[task.status] ?? task.status
  const body = slim ? '' : `,"body":${task.body ?? 'null'}`
  const result = slim ? '' : `"result":${task.result ?? rendering.emptyResult ?? 'null'},`
  const attempts = task.attempts.slice(-SHOWN_ATTEMPTS).map(attemptDocument)
  return {
    before: `{"task_id":"${task.taskId}","operation":"${task.operation}","version":${task.version},"status":"${word}","reason":${json(task.reason)},"progress":${task.progress}`,
    after:
      `"workflow":{${workflowOf(task)}},` +
      `"request":{"resource":${json(head.resource)},"verb":"${head.verb}","header":${json(head.header)}${body}},${result}` +
      `"resource":${json(task.resource)},"error":${json(task.error)},` +
      `"attempt":${task.attempt},"max_attempts":${task.maxAttempts},"attempts":${json(attempts)},"priority":${task.priority},` +
      `"created_at":"${timestamp(task.createdMs)}","started_at":${json(maybeTimestamp(task.startedMs))},` +
      `"updated_at":"${timestamp(task.updatedMs)}","finished_at":${json(maybeTimestamp(task.finishedMs))},` +
      `"deadline":${json(maybeTimestamp(task.deadlineMs))},"confirm_by":${json(maybeTimestamp(task.confirmByMs))},` +
      `"expires_at":${json(maybeTimestamp(task.expiresMs))},"links":${json(linksOf(task, rendering.selfQuery ?? ''))}}`,
  }
}

/** The states of the steps, in declared order, as members. */
function workflowOf({ head, steps }: TaskRecord): string {
  return head.steps
    .map((name) => `${json(name)}:"${steps.get(name)?.state ?? ('not started' satisfies StepState)}"`)
    .join()
}

/** What can be done now. */
function linksOf(
  { taskId, status, resource, head }: TaskRecord,
  selfQuery: string,
): { rel: string; href: string; method: string }[] {
  const self = `/tasks/${taskId}`
  const links = [{ rel: 'self', href: `${self}${selfQuery}`, method: 'GET' }]
  if (!isEnded(status)) links.push({ rel: 'events', href: `${self}/events`, method: 'GET' })
  if (status === 'awaiting_confirmation')
    links.push({ rel: 'confirm', href: `${self}/confirm`, method: 'POST' })
  if (!isEnded(status) && status !== 'canceling')
    links.push({ rel: 'cancel', href: `${self}/cancel`, method: 'POST' })
  if (resource && head.collection) links.push({ rel: head.collection, href: resource, method: 'GET' })
  return links
}

function attemptDocument({ attempt, startedMs, endedMs, error }: AttemptRecord) {
  return { attempt, started_at: timestamp(startedMs), ended_at: maybeTimestamp(endedMs), error }
}

function maybeTimestamp(ms: number | null): string | null {
  return ms === null ? null : timestamp(ms)
}
