import type { ReadOutcome, Tombstone } from '@accepted/core'
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

/** 404, the same for an unknown id and for another tenant's. */
export function unknownTask(): ProblemError {
  return new ProblemError('not_found', 'There is no such task.')
}
