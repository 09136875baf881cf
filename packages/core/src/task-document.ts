import type { StepState, TaskStatus } from '@accepted/contract'
import type { Estimate } from './estimator.ts'
import type { AttemptRecord, TaskRecord } from './store/record.ts'

const SHOWN_ATTEMPTS = 10

/** How a style bends the document. */
export interface Rendering {
  /** The style's words for the states; canonical without. */
  words?: Record<TaskStatus, string>
  /** JSON text shown as `result` while there is none; `null` without. */
  emptyResult?: string
  /** Query that the task's own link keeps, with its `?`. */
  selfQuery?: string
}

/** RFC 3339 UTC with milliseconds. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}

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

/** The frame of the document that `taskDocument` gives. */
export function documentFrame(task: TaskRecord, rendering: Rendering = {}, slim = false): DocumentFrame {
  const { head } = task
  const before = JSON.stringify({
    task_id: task.taskId,
    operation: task.operation,
    version: task.version,
    status: rendering.words?.[task.status] ?? task.status,
    reason: task.reason,
    progress: task.progress,
  })
  const workflow = JSON.stringify({ workflow: workflowOf(task) })
  const echo = JSON.stringify({ resource: head.resource, verb: head.verb, header: head.header })
  const after = JSON.stringify({
    resource: task.resource,
    error: task.error,
    attempt: task.attempt,
    max_attempts: head.maxAttempts,
    attempts: task.attempts.slice(-SHOWN_ATTEMPTS).map(attemptDocument),
    priority: task.priority,
    created_at: timestamp(task.createdMs),
    started_at: maybeTimestamp(task.startedMs),
    updated_at: timestamp(task.updatedMs),
    finished_at: maybeTimestamp(task.finishedMs),
    expires_at: maybeTimestamp(task.expiresMs),
    links: linksOf(task, rendering.selfQuery ?? ''),
  })
  const request = slim ? echo : withMember(echo, 'body', task.body ?? 'null')
  const shown = withMember(workflow, 'request', request)
  const result = task.result ?? rendering.emptyResult ?? 'null'
  const middle = slim ? shown : withMember(shown, 'result', result)
  return { before: before.slice(0, -1), after: `${middle.slice(1, -1)},${after.slice(1)}` }
}

/** The text of an object with a member more, whose value is JSON text already. */
function withMember(object: string, name: string, text: string): string {
  return `${object.slice(0, -1)},"${name}":${text}}`
}

/** The states of the steps, in declared order. */
function workflowOf({ head, steps }: TaskRecord): Record<string, StepState> {
  return Object.fromEntries(head.steps.map((name) => [name, steps.get(name)?.state ?? 'not started']))
}

function linksOf(task: TaskRecord, selfQuery: string): { rel: string; href: string; method: string }[] {
  const links = [{ rel: 'self', href: `/tasks/${task.taskId}${selfQuery}`, method: 'GET' }]
  if (task.resource && task.head.collection) {
    links.push({ rel: task.head.collection, href: task.resource, method: 'GET' })
  }
  return links
}

function attemptDocument({ attempt, startedMs, endedMs, error }: AttemptRecord) {
  return { attempt, started_at: timestamp(startedMs), ended_at: maybeTimestamp(endedMs), error }
}

function maybeTimestamp(ms: number | null): string | null {
  return ms === null ? null : timestamp(ms)
}
