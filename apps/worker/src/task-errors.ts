import { type FailureReason, TASK_ERRORS, type TaskError } from '@accepted/contract'

/**
 * The error that a task shows.
 *
 * @param message for callers; without one, the kind's own words
 * @param code a handler's own slug
 */
export function taskError(
  kind: FailureReason | 'attempt_failed',
  message?: string,
  code: string = kind,
): TaskError {
  const { title, explanation } = TASK_ERRORS[kind]
  return { type: `/problems/${kind}`, title, code, message: message ?? explanation }
}
