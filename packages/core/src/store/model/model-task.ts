import type { EndedStatus, EndReason, TaskStatus } from '@accepted/contract'

/** The steps that a task may take. */
export const STEPS = ['a', 'b', 'c']

/** What a task is created with. */
export interface Kind {
  maxAttempts: number
  startMs: number | null
  totalMs: number | null
  confirmMs: number | null
}

/** A letter a state, as the record has them. */
export type StepLetter = 'b' | 'd' | 'p' | 'q' | 'f' | 'u' | 'x' | 'y' | 'r' | 'v'

/** A task as it should be. Times in ms on the model's clock, which moves by leaps only. */
export interface ModelTask extends Kind {
  id: string
  /** Its place among all that were created. */
  number: number
  tenant: string
  priority: number
  created: number
  status: TaskStatus
  reason: EndReason | null
  endsAs: EndedStatus | null
  token: number
  attempt: number
  started: boolean
  began: number
  progress: number
  finishedSteps: number
  steps: Map<string, StepLetter>
  /** Steps of which a run was cut off, and that neither finished since nor were undone. */
  doubted: Set<string>
  attempts: { attempt: number; open: boolean; error: string | null }[]
  losses: number
  undos: number
  flow: string
  /** Where an open task stands; `due`: when its lease or its retry is. */
  place: 'flow' | 'held' | 'retry' | 'none'
  due: number
  confirmBy: number | null
  expires: number
  /** When its tombstone dies, if it was deleted. */
  dies: number | null
}

/** A task that was just created, and waits in its tenant's flow. */
export function newTask(
  given: Kind & Pick<ModelTask, 'id' | 'number' | 'tenant' | 'priority' | 'created'>,
): ModelTask {
  return {
    ...given,
    status: 'pending',
    reason: null,
    endsAs: null,
    token: 0,
    attempt: 0,
    started: false,
    began: 0,
    progress: 0,
    finishedSteps: 0,
    steps: new Map(),
    doubted: new Set(),
    attempts: [],
    losses: 0,
    undos: 0,
    flow: given.tenant,
    place: 'flow',
    due: 0,
    confirmBy: null,
    expires: 0,
    dies: null,
  }
}

/** The timers that mean something, and when they are due. */
export function timersOf(task: ModelTask): { kind: 'lease' | 'retry' | EndReason; at: number }[] {
  const { status, place, started, created, due, startMs, totalMs, confirmBy } = task
  const timers: ReturnType<typeof timersOf> = []
  if (place === 'held') timers.push({ kind: 'lease', at: due })
  if (place === 'retry') timers.push({ kind: 'retry', at: due })
  if (status === 'pending' && !started && startMs !== null)
    timers.push({ kind: 'start_timeout', at: created + startMs })
  if (totalMs !== null && ['pending', 'running', 'awaiting_confirmation'].includes(status))
    timers.push({ kind: 'deadline', at: created + totalMs })
  if (confirmBy !== null) timers.push({ kind: 'unconfirmed', at: confirmBy })
  return timers
}

export function isOpen({ status }: ModelTask): boolean {
  return status !== 'completed' && status !== 'failed' && status !== 'canceled'
}

/** Whether something is left to undo. */
export function undoable({ steps }: ModelTask): boolean {
  return [...steps.values()].some((letter) => 'udpqyr'.includes(letter))
}

/** It is decided how a task will end; what is left to undo is undone first. */
export function decide(task: ModelTask, endsAs: EndedStatus, reason: EndReason): void {
  task.status = 'canceling'
  task.endsAs = endsAs
  task.reason = reason
  task.losses = 0
  task.undos = 0
  task.confirmBy = null
}

/** Ends the open attempt, if there is one. */
export function closeAttempt(task: ModelTask, error: string | null): void {
  const last = task.attempts.at(-1)
  if (!last?.open) return
  last.open = false
  last.error = error
}

/** Steps with one of these letters have failed. */
export function cutOff(task: ModelTask, letters: string): void {
  for (const [name, letter] of task.steps) if (letters.includes(letter)) task.steps.set(name, 'x')
}

/** Progress without word from a handler: the share of finished steps. */
export function shareOf({ finishedSteps }: ModelTask): number {
  return Math.floor((100 * finishedSteps) / STEPS.length)
}

/** What is to be undone first, then by priority and time: one step of priority is worth ten seconds. */
export function byTurn(a: ModelTask, b: ModelTask): number {
  const canceling = Number(b.status === 'canceling') - Number(a.status === 'canceling')
  if (canceling !== 0) return canceling
  if (a.status === 'canceling') return a.id < b.id ? -1 : 1
  return a.created + a.priority * 10_000 - (b.created + b.priority * 10_000) || a.number - b.number
}
