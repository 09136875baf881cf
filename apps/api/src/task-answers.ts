import { isEnded, type TaskStatus } from '@accepted/contract'
import type { Absent, ReadOutcome, Tombstone } from '@accepted/core'
import { timestamp } from '@accepted/core'
import { ProblemError } from './problem.ts'

/** The problem for a task that cannot be read any more. One whose tombstone died with its key still known is gone too. */
export function goneProblem(
  taskId: string,
  outcome: Exclude<ReadOutcome, { outcome: 'task' }>,
): ProblemError {
  if (outcome.outcome === 'gone') return tombstoneProblem(taskId, outcome.tombstone)
  return new ProblemError('gone', `The task ${taskId} has expired.`)
}

/** 410: how an expired or deleted task ended. */
export function tombstoneProblem(
  taskId: string,
  { status, reason, finishedMs, resource }: Tombstone,
): ProblemError {
  return new ProblemError('gone', `The task ${taskId} ended and its record is gone.`, {
    members: { task_status: status, reason, finished_at: timestamp(finishedMs), resource },
  })
}

/** The problem for a task that cannot be acted on since its record is gone, or is not the caller's. */
export function absentProblem(taskId: string, absent: Absent): ProblemError {
  return absent.outcome === 'gone' ? tombstoneProblem(taskId, absent.tombstone) : unknownTask()
}

/** 409: the task has ended. */
export function endedProblem(status: TaskStatus): ProblemError {
  return new ProblemError('already_ended', `The task is ${status}.`, { members: { task_status: status } })
}

/** 409: the task does not await confirmation. */
export function notAwaitingProblem(status: TaskStatus): ProblemError {
  if (isEnded(status)) return endedProblem(status)
  return new ProblemError('not_awaiting_confirmation', `The task is ${status}.`, {
    members: { task_status: status },
  })
}

/** 409: the task has not ended. */
export function notEndedProblem(taskId: string, status: TaskStatus): ProblemError {
  const cancel = { rel: 'cancel', href: `/tasks/${taskId}/cancel`, method: 'POST' }
  return new ProblemError('not_ended', `The task is ${status}; only an ended task can be deleted.`, {
    members: { task_status: status, links: status === 'canceling' ? [] : [cancel] },
  })
}

/** 404, the same for an unknown id and for another tenant's. */
export function unknownTask(): ProblemError {
  return new ProblemError('not_found', 'There is no such task.')
}
