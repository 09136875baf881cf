import { Type } from 'typebox'

/** The states of a task, in the order of its life. */
export const TASK_STATUSES = [
  'pending',
  'running',
  'awaiting_confirmation',
  'canceling',
  'completed',
  'failed',
  'canceled',
] as const
export type TaskStatus = (typeof TASK_STATUSES)[number]

/** The states that nothing leaves. */
export const ENDED_STATUSES = ['completed', 'failed', 'canceled'] as const
export type EndedStatus = (typeof ENDED_STATUSES)[number]

/** Whether a task in this state has ended. */
export function isEnded(status: TaskStatus): status is EndedStatus {
  return (ENDED_STATUSES as readonly TaskStatus[]).includes(status)
}

/** Why a task failed. */
export const FAILURE_REASONS = [
  'run_timeout',
  'attempts_exhausted',
  'permanent_error',
  'invalid_result',
  'worker_lost',
  'revert_failed',
] as const
export type FailureReason = (typeof FAILURE_REASONS)[number]

/** Who or what canceled a task. */
export const CANCEL_REASONS = ['client', 'start_timeout', 'deadline', 'unconfirmed'] as const
export type CancelReason = (typeof CANCEL_REASONS)[number]

/** Why a task failed or was canceled: null before that is decided, and when it completed. */
export const END_REASONS = [...CANCEL_REASONS, ...FAILURE_REASONS] as const
export type EndReason = (typeof END_REASONS)[number]

/** What a callback can tell of. */
export const CALLBACK_EVENTS = ['started', 'progress', 'awaiting_confirmation', ...ENDED_STATUSES] as const
export type CallbackEvent = (typeof CALLBACK_EVENTS)[number]

/** What it tells of unless the request says otherwise: that the task ended, or that the client's word is awaited. */
export const DEFAULT_CALLBACK_EVENTS = ['awaiting_confirmation', ...ENDED_STATUSES] as const

/** What `workflow` says of a step. */
export const STEP_STATES = [
  'not started',
  'in progress',
  'finished',
  'failed',
  'reverting',
  'reverted',
] as const
export type StepState = (typeof STEP_STATES)[number]

/** `Task-Priority`: 0 is served first. */
export const PRIORITY = { highest: 0, lowest: 7, default: 3 } as const

/** A JSON schema of the words in `values`. */
export function OneOf<const Values extends readonly string[]>(values: Values, description: string) {
  return Type.Enum([...values] as [...Values], { description })
}
