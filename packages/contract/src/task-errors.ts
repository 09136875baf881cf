import type { EndReason } from './status.ts'
import type { TaskError } from './task.ts'

/** What a task's `error` can tell of: why it ended, or why one attempt failed. */
export type TaskErrorKind = EndReason | 'attempt_failed'

/** Each kind in words; explained at `/problems/{kind}`. */
export const TASK_ERRORS: Record<TaskErrorKind, { title: string; explanation: string }> = {
  attempt_failed: {
    title: 'The attempt failed',
    explanation: 'This attempt met an unexpected fault. The task is tried again.',
  },
  client: {
    title: 'Canceled on request',
    explanation: 'The client canceled the task. What was finished of it is undone.',
  },
  start_timeout: {
    title: 'Not started in time',
    explanation: 'No worker began the task within the time that its operation allows for it.',
  },
  deadline: {
    title: 'Not ended in time',
    explanation:
      'The task had not ended by its deadline: its own from `Cancel-After`, or that of its operation. What was finished of it is undone.',
  },
  unconfirmed: {
    title: 'Not confirmed in time',
    explanation:
      'The task awaited a confirmation that did not come in time. What was finished of it is undone.',
  },
  run_timeout: {
    title: 'The attempt took too long',
    explanation: 'The attempt ran longer than its operation allows and was cut off.',
  },
  attempts_exhausted: {
    title: 'No attempt succeeded',
    explanation: 'Every attempt met an unexpected fault, and no more are made. Start the operation again.',
  },
  permanent_error: {
    title: 'The operation cannot succeed',
    explanation: 'The operation found that no further attempt can succeed; `message` says why.',
  },
  invalid_result: {
    title: 'The result broke its own contract',
    explanation: 'The operation ran but returned something other than it promises. The fault is ours.',
  },
  worker_lost: {
    title: 'The workers were lost',
    explanation: 'Three workers died while they ran this task, so it is not tried again.',
  },
  revert_failed: {
    title: 'Not everything was undone',
    explanation:
      'The task was to be undone, but a step could not be: `message` names it, and `workflow` shows which steps still stand (`finished`, `failed`).',
  },
}

/**
 * The error that a task shows.
 *
 * @param message for callers; without one, the kind's own words
 * @param code a handler's own slug
 */
export function taskError(kind: TaskErrorKind, message?: string, code: string = kind): TaskError {
  const { title, explanation } = TASK_ERRORS[kind]
  return { type: `/problems/${kind}`, title, code, message: message ?? explanation }
}
