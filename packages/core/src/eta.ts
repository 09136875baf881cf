import type { TaskRecord } from './store/record.ts'
import type { LaneState } from './store/upkeep.ts'

/** What the estimate needs of a lane; durations in ms, in any order. */
export type LaneLoad = Pick<LaneState, 'running' | 'slots' | 'recentMs'>

/**
 * Milliseconds until a task ends, from what its lane really does; null while nothing is known: no such task ended
 * lately, nobody works, or the task waits for its next attempt, for its client's word, or to be undone.
 *
 * @param position of a pending task among those that wait, 0-based
 */
export function etaMs(
  task: TaskRecord,
  position: number | null,
  load: LaneLoad,
  nowMs: number,
): number | null {
  if (task.finishedMs !== null) return 0
  if (task.status === 'awaiting_confirmation' || task.status === 'canceling') return null
  if (task.status === 'pending') return position === null ? null : pendingMs(position, load)
  const beganMs = task.beganMs ?? nowMs
  const byProgress = restByProgress(beganMs, task.updatedMs, nowMs, task.progress)
  return runningMs(nowMs - beganMs, byProgress, task.progress, load.recentMs)
}

/** Milliseconds between two ends in a lane that is always busy; null while nothing is known. */
export function gapMs({ slots, recentMs }: LaneLoad): number | null {
  return slots === 0 || recentMs.length === 0 ? null : median(recentMs) / slots
}

/** The wait for a slot, if none is free for it, then a usual run. */
function pendingMs(position: number, { running, slots, recentMs }: LaneLoad): number | null {
  if (slots === 0 || recentMs.length === 0) return null
  const usual = median(recentMs)
  const ahead = Math.max(0, position + 1 - Math.max(0, slots - running))
  return (ahead / slots) * usual + usual
}

/** What remains by the history of such tasks and by the task's own progress; the further it is, the more the latter counts. */
function runningMs(
  elapsedMs: number,
  byProgress: number | null,
  progress: number,
  recentMs: number[],
): number | null {
  const byHistory = recentMs.length === 0 ? null : restByHistory(elapsedMs, recentMs)
  if (byHistory === null || byProgress === null) return byHistory ?? byProgress
  const weight = progress / 100
  return weight * byProgress + (1 - weight) * byHistory
}

/**
 * What is left in proportion to what was done when progress last moved, less the time since then; a task that is overdue
 * by it may take a tenth more than it has.
 */
function restByProgress(beganMs: number, movedMs: number, nowMs: number, progress: number): number | null {
  if (progress === 0) return null
  const rest = ((movedMs - beganMs) * (100 - progress)) / progress - (nowMs - movedMs)
  return rest > 0 ? rest : (nowMs - beganMs) / 10
}

/** The usual rest of those that took longer than this one has; a task that outlasts them all may take a fifth more. */
function restByHistory(elapsedMs: number, recentMs: number[]): number {
  const longer = recentMs.filter((duration) => duration > elapsedMs)
  return longer.length > 0 ? median(longer) - elapsedMs : elapsedMs / 5
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
