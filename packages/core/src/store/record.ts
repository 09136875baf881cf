import {
  type CallbackEvent,
  type EndedStatus,
  type EndReason,
  type StepState,
  type TaskError,
  type TaskErrorKind,
  type TaskStatus,
  taskError,
} from '@accepted/contract'

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
  /** The `rel` of its resource, if the operation makes one. */
  collection?: string
  requestId: string
  /** W3C trace context. */
  traceparent: string
  callback?: Callback
}

/** Where a task's callbacks go, and of what they tell. */
export interface Callback {
  /** As it was given, its host in ASCII. */
  url: string
  events: readonly CallbackEvent[]
  /** Base of the links in them, without a slash at its end. */
  base: string
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
  /** Why it is canceling or ended, unless it completed. */
  reason: EndReason | null
  version: number
  attempt: number
  maxAttempts: number
  /** What one attempt, or one pass of undoing, may take. */
  runMs: number
  /** What a handler has to settle after its signal fired. */
  graceMs: number
  progress: number
  head: TaskHead
  /** JSON text; absent in lists and for requests without a body. */
  body?: string
  /** JSON text; absent in lists and until the task completed. */
  result?: string
  resource: string | null
  error: TaskError | null
  steps: Map<string, StepRecord>
  attempts: AttemptRecord[]
  createdMs: number
  updatedMs: number
  startedMs: number | null
  /** Start of the current or last attempt. */
  beganMs: number | null
  finishedMs: number | null
  /** When it is canceled if it has not ended. */
  deadlineMs: number | null
  /** While it awaits confirmation. */
  confirmByMs: number | null
  expiresMs: number | null
  /** What it will be once it is undone, while it is canceling. */
  endsAs: EndedStatus | null
}

/** A step of a task. */
export interface StepRecord {
  state: StepState
  /** JSON text of a finished step, as long as the task is open; else ''. */
  outcome: string
  /** Whether it is to be undone: it finished or was cut off, has an undo, and that was not run to its end. */
  undoable: boolean
}

const STEP_LETTERS: Record<string, StepState> = {
  b: 'in progress',
  d: 'in progress',
  p: 'not started',
  q: 'in progress',
  y: 'failed',
  f: 'finished',
  u: 'finished',
  x: 'failed',
  r: 'reverting',
  v: 'reverted',
}

/** Reads a record from the text that a script answers: name, value, name, value, …, with U+001F between. */
export function decodeRecord(taskId: string, text: string): TaskRecord {
  return decodeHeldRecord(taskId, text).task
}

/** The same, with what only who holds the task needs: see `Claim`. */
export function decodeHeldRecord(taskId: string, text: string): { task: TaskRecord; undos: number } {
  const flat = text.split('\u001f')
  const fields = new Map<string, string>()
  const steps: TaskRecord['steps'] = new Map()
  const attempts: { token: number; attempt: AttemptRecord }[] = []
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at]!
    const value = flat[at + 1]!
    if (name.startsWith('step:')) {
      steps.set(name.slice(5), decodeStep(value))
    } else if (name.startsWith('attempt:')) {
      attempts.push({ token: Number(name.slice(8)), attempt: decodeAttempt(value) })
    } else fields.set(name, value)
  }
  const [tenant, operation, lane, priority, , limits] = fields.get('fixed')!.split(' ')
  const [, maxAttempts, runMs, graceMs] = limits!.split(',').map(Number)
  const reason = (fields.get('reason') || null) as EndReason | null
  const head = JSON.parse(fields.get('head')!) as TaskHead
  const [body, result, error] = [fields.get('body'), fields.get('result'), fields.get('error')]
  const number = (name: string) => Number(fields.get(name))
  const time = (name: string) => (fields.has(name) ? number(name) : null)
  const task: TaskRecord = {
    taskId,
    tenant: tenant!,
    operation: operation!,
    lane: lane!,
    priority: Number(priority),
    status: fields.get('status') as TaskStatus,
    reason,
    version: number('version'),
    attempt: number('attempt'),
    maxAttempts: maxAttempts!,
    runMs: runMs!,
    graceMs: graceMs!,
    progress: number('progress'),
    head,
    ...(body ? { body } : {}),
    ...(result ? { result } : {}),
    resource: fields.get('resource') || null,
    error: reason === 'revert_failed' ? standingError(head, steps) : decodeError(error || reason || ''),
    steps,
    attempts: attempts.sort((a, b) => a.token - b.token).map(({ attempt }) => attempt),
    createdMs: number('created'),
    updatedMs: number('updated'),
    startedMs: time('started'),
    beganMs: time('began'),
    finishedMs: time('finished'),
    deadlineMs: time('deadline'),
    confirmByMs: time('confirm_by'),
    expiresMs: time('expires'),
    endsAs: (fields.get('ends_as') as EndedStatus | undefined) ?? null,
  }
  return { task, undos: Number(fields.get('undos') ?? 0) }
}

/** Which steps still stand, the newest first: at that undoing stopped. */
function standingError(head: TaskHead, steps: TaskRecord['steps']): TaskError {
  const standing = head.steps.filter((name) => steps.get(name)?.undoable).reverse()
  const others = standing.length > 1 ? ` Still standing before it: ${standing.slice(1).join(', ')}.` : ''
  return taskError('revert_failed', `The step '${standing[0]}' could not be undone.${others}`)
}

function decodeStep(text: string): StepRecord {
  const letter = text[0]!
  return {
    state: STEP_LETTERS[letter]!,
    outcome: text.slice(1),
    undoable: 'udpqyr'.includes(letter),
  }
}

/** JSON, or the name of a kind whose words are always the same, or nothing. */
function decodeError(text: string): TaskError | null {
  if (!text) return null
  return text.startsWith('{') ? (JSON.parse(text) as TaskError) : taskError(text as TaskErrorKind)
}

/** "number started", then " ended error" once it ended. */
function decodeAttempt(text: string): AttemptRecord {
  const [, attempt, started, ended, error] = /^(\d+) (\d+)(?: (\d+) (.*))?$/s.exec(text)!
  return {
    attempt: Number(attempt),
    startedMs: Number(started),
    endedMs: ended ? Number(ended) : null,
    error: error === 'worker_lost' ? LOST : decodeError(error ?? ''),
  }
}

/** Of an attempt; the task's own words say that it was the last one. */
const LOST = taskError('worker_lost', 'The worker that ran it was lost.')
