import { isEnded, type StepState, type TaskError, type TaskStatus } from '@accepted/contract'
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
  /** What stands before every link; nothing without, they are relative then. */
  base?: string
}

/** Which members a document has: in lists neither the body nor the result, in messages nothing of the request. */
export type DocumentKind = 'whole' | 'listed' | 'told'

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
  /** As it was last made whole: who polls often enough finds the same estimate. */
  last?: { eta: number | null; queuePosition: number | null; text: string }
}

/**
 * The task document as JSON text. Bodies and results are spliced in as the text they came as, so that no member changes
 * its order and no number its digits.
 */
export function taskDocument(
  task: TaskRecord,
  estimate: Estimate,
  rendering: Rendering = {},
  kind: DocumentKind = 'whole',
): string {
  return framedDocument(documentFrame(task, rendering, kind), estimate)
}

/** A frame made whole by an estimate. */
export function framedDocument(frame: DocumentFrame, { etaMs, queuePosition }: Estimate): string {
  const eta = etaMs === null ? null : wholeSeconds(etaMs)
  const { before, after, last } = frame
  if (last && last.eta === eta && last.queuePosition === queuePosition) return last.text
  const text = `${before},"eta":${eta},"queue_position":${queuePosition},${after}`
  frame.last = { eta, queuePosition, text }
  return text
}

/** The frame of the document that `taskDocument` gives. Written out: to stringify it as objects takes twice as long. */
export function documentFrame(
  task: TaskRecord,
  rendering: Rendering = {},
  kind: DocumentKind = 'whole',
): DocumentFrame {
  const { head } = task
  const { base = '' } = rendering
  const word = rendering.words?.[task.status] ?? task.status
  const result = kind === 'listed' ? '' : `"result":${task.result ?? rendering.emptyResult ?? 'null'},`
  const attempts = task.attempts.slice(-SHOWN_ATTEMPTS).map((attempt) => attemptDocument(attempt, base))
  return {
    before: `{"task_id":"${task.taskId}","operation":"${task.operation}","version":${task.version},"status":"${word}","reason":${json(task.reason)},"progress":${task.progress}`,
    after:
      `"workflow":{${workflowOf(task)}},` +
      `${requestOf(task, kind)}${result}"resource":${json(task.resource)},"error":${json(linkedError(task.error, base))},` +
      `"attempt":${task.attempt},"max_attempts":${task.maxAttempts},"attempts":${json(attempts)},"priority":${task.priority},${callbackOf(head)}` +
      `"created_at":"${timestamp(task.createdMs)}","started_at":${json(maybeTimestamp(task.startedMs))},` +
      `"updated_at":"${timestamp(task.updatedMs)}","finished_at":${json(maybeTimestamp(task.finishedMs))},` +
      `"deadline":${json(maybeTimestamp(task.deadlineMs))},"confirm_by":${json(maybeTimestamp(task.confirmByMs))},` +
      `"expires_at":${json(maybeTimestamp(task.expiresMs))},"links":${json(linksOf(task, rendering.selfQuery ?? '', base))}}`,
  }
}

function requestOf({ head, body }: TaskRecord, kind: DocumentKind): string {
  if (kind === 'told') return ''
  const shown = kind === 'listed' ? '' : `,"body":${body ?? 'null'}`
  return `"request":{"resource":${json(head.resource)},"verb":"${head.verb}","header":${json(head.header)}${shown}},`
}

/** Without its query, in which a secret may be. */
function callbackOf({ callback }: TaskRecord['head']): string {
  if (!callback) return '"callback_url":null,"callback_events":[],'
  return `"callback_url":${json(callback.url.split('?')[0])},"callback_events":${json(callback.events)},`
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
  base: string,
): { rel: string; href: string; method: string }[] {
  const self = `${base}/tasks/${taskId}`
  const links = [{ rel: 'self', href: `${self}${selfQuery}`, method: 'GET' }]
  if (!isEnded(status)) links.push({ rel: 'events', href: `${self}/events`, method: 'GET' })
  if (status === 'awaiting_confirmation')
    links.push({ rel: 'confirm', href: `${self}/confirm`, method: 'POST' })
  if (!isEnded(status) && status !== 'canceling')
    links.push({ rel: 'cancel', href: `${self}/cancel`, method: 'POST' })
  if (head.callback) links.push({ rel: 'deliveries', href: `${self}/deliveries`, method: 'GET' })
  if (resource && head.collection) links.push({ rel: head.collection, href: base + resource, method: 'GET' })
  return links
}

function attemptDocument({ attempt, startedMs, endedMs, error }: AttemptRecord, base: string) {
  return {
    attempt,
    started_at: timestamp(startedMs),
    ended_at: maybeTimestamp(endedMs),
    error: linkedError(error, base),
  }
}

function linkedError(error: TaskError | null, base: string): TaskError | null {
  return error && base ? { ...error, type: base + error.type } : error
}

/** The same; null stays null. */
export function maybeTimestamp(ms: number | null): string | null {
  return ms === null ? null : timestamp(ms)
}
