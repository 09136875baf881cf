import type { FailureReason, StepState, TaskError, TaskStatus } from '@accepted/contract'

/** What the API knows of a task when it accepts it, kept as one JSON text. */
export interface TaskHead {
  /** Path and method of the request. */
  resource: string
  verb: string
  /** The header fields that may be shown. */
  header: Record<string, string>
  /** Path and query members of the input. */
  params: Record<string, unknown>
  /** Names of the steps, in declared order. */
  steps: readonly string[]
  maxAttempts: number
  /** The `rel` of its resource, if the operation makes one. */
  collection?: string
  requestId: string
  /** W3C trace context. */
  traceparent: string
}

/** One run of the handler. Times in ms since the epoch, on Redis's clock. */
export interface AttemptRecord {
  attempt: number
  startedMs: number
  endedMs: number | null
  error: TaskError | null
}

/** A task as Redis has it. Times in ms since the epoch, on Redis's clock; user JSON as the text that was sent. */
export interface TaskRecord {
  taskId: string
  tenant: string
  operation: string
  lane: string
  priority: number
  status: TaskStatus
  reason: FailureReason | null
  version: number
  attempt: number
  progress: number
  head: TaskHead
  /** JSON text; absent in lists and for requests without a body. */
  body?: string
  /** JSON text; absent in lists and until the task completed. */
  result?: string
  resource: string | null
  error: TaskError | null
  /** The finished steps' outcomes as JSON text; emptied at the end. */
  steps: Map<string, { state: StepState; outcome: string }>
  attempts: AttemptRecord[]
  createdMs: number
  updatedMs: number
  startedMs: number | null
  /** Start of the current or last attempt. */
  beganMs: number | null
  finishedMs: number | null
  expiresMs: number | null
}

const STEP_LETTERS: Record<string, StepState> = { b: 'in progress', f: 'finished', x: 'failed' }

/** Reads a record from the text that a script answers: name, value, name, value, …, with U+001F between. */
export function decodeRecord(taskId: string, text: string): TaskRecord {
  const flat = text.split('\u001f')
  const fields = new Map<string, string>()
  const steps: TaskRecord['steps'] = new Map()
  const attempts: { token: number; attempt: AttemptRecord }[] = []
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at]!
    const value = flat[at + 1]!
    if (name.startsWith('step:')) {
      steps.set(name.slice(5), { state: STEP_LETTERS[value[0]!]!, outcome: value.slice(1) })
    } else if (name.startsWith('attempt:')) {
      attempts.push({ token: Number(name.slice(8)), attempt: decodeAttempt(value) })
    } else fields.set(name, value)
  }
  const [tenant, operation, lane, priority] = fields.get('fixed')!.split(' ')
  const [body, result, error] = [fields.get('body'), fields.get('result'), fields.get('error')]
  const number = (name: string) => Number(fields.get(name))
  const time = (name: string) => (fields.has(name) ? number(name) : null)
  return {
    taskId,
    tenant: tenant!,
    operation: operation!,
    lane: lane!,
    priority: Number(priority),
    status: fields.get('status') as TaskStatus,
    reason: (fields.get('reason') as FailureReason | undefined) ?? null,
    version: number('version'),
    attempt: number('attempt'),
    progress: number('progress'),
    head: JSON.parse(fields.get('head')!) as TaskHead,
    ...(body ? { body } : {}),
    ...(result ? { result } : {}),
    resource: fields.get('resource') ?? null,
    error: error ? (JSON.parse(error) as TaskError) : null,
    steps,
    attempts: attempts.sort((a, b) => a.token - b.token).map(({ attempt }) => attempt),
    createdMs: number('created'),
    updatedMs: number('updated'),
    startedMs: time('started'),
    beganMs: time('began'),
    finishedMs: time('finished'),
    expiresMs: time('expires'),
  }
}

/** "number started", then " ended error" once it ended; the error is JSON or nothing. */
function decodeAttempt(text: string): AttemptRecord {
  const [, attempt, started, ended, error] = /^(\d+) (\d+)(?: (\d+) (.*))?$/s.exec(text)!
  return {
    attempt: Number(attempt),
    startedMs: Number(started),
    endedMs: ended ? Number(ended) : null,
    error: error ? (JSON.parse(error) as TaskError) : null,
  }
}
