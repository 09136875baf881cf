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

/** Whole seconds to the end, as documents show it. */
export function etaSeconds(etaMs: number | null): number | null {
  return etaMs === null ? null : Math.round(etaMs / 1000)
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
  const { head } = task
  const echo = { resource: head.resource, verb: head.verb, header: head.header }
  return object({
    task_id: json(task.taskId),
    operation: json(task.operation),
    version: json(task.version),
    status: json(rendering.words?.[task.status] ?? task.status),
    reason: json(task.reason),
    progress: json(task.progress),
    eta: json(etaSeconds(estimate.etaMs)),
    queue_position: json(estimate.queuePosition),
    workflow: json(workflowOf(task)),
    request: slim ? json(echo) : object({ ...texts(echo), body: task.body ?? 'null' }),
    ...(slim ? {} : { result: task.result ?? rendering.emptyResult ?? 'null' }),
    resource: json(task.resource),
    error: json(task.error),
    attempt: json(task.attempt),
    max_attempts: json(head.maxAttempts),
    attempts: json(task.attempts.slice(-SHOWN_ATTEMPTS).map(attemptDocument)),
    priority: json(task.priority),
    created_at: json(timestamp(task.createdMs)),
    started_at: json(maybeTimestamp(task.startedMs)),
    updated_at: json(timestamp(task.updatedMs)),
    finished_at: json(maybeTimestamp(task.finishedMs)),
    expires_at: json(maybeTimestamp(task.expiresMs)),
    links: json(linksOf(task, rendering.selfQuery ?? '')),
  })
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

function json(value: unknown): string {
  return JSON.stringify(value)
}

function texts(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, json(value)]))
}

function object(members: Record<string, string>): string {
  return `{${Object.entries(members)
    .map(([name, text]) => `"${name}":${text}`)
    .join()}}`
}
