import { type Estimate, type Estimator, type ReadOutcome, StoreUnavailable } from '@accepted/core'
import type { TaskView } from './task-styles.ts'

/** A task that was found. */
export type FoundTask = Extract<ReadOutcome, { outcome: 'task' }>

/** A task with what is estimated of it: nothing while Redis cannot tell, which is no reason not to tell of the task. */
export async function viewOf(
  { task, position }: FoundTask,
  estimator: Estimator,
  nowMs: number,
): Promise<TaskView> {
  const unknown: Estimate = { etaMs: null, soonestMs: null, queuePosition: position }
  const estimate = await estimator.estimate(task, position).catch((error) => {
    if (error instanceof StoreUnavailable) return unknown
    throw error
  })
  return { task, estimate, nowMs }
}
