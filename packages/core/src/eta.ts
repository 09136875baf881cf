import type { TaskRecord } from './store/record.ts'
import type { LaneState } from './store/upkeep.ts'

/** What the estimate needs of a lane; durations in ms, ascending, so that no read has to sort them. */
export type LaneLoad = Pick<LaneState, 'running' | 'slots' | 'recentMs'>

/** A task that has outlasted all that is known of it is expected to take this share longer than it has. */
const OVERDUE_SHARE = 0.2

/**
 * This share of such tasks may end before the soonest end. The less, the more often is asked of an operation whose
 * durations vary; docs/decisions/009-when-to-ask-again.md has the figures.
 */
const EARLY_SHARE = 1 / 20

/**
 * What progress leaves to do may be done in this share of the time that it tells, for it may run behind the work; and in
 * no less than the other share, even where history has tasks that ended sooner.
 */
const SOON_SHARE = 0.8
const LEAST_SHARE = 0.1

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
  if (task.status === 'pending') return pendingMs(position, load, median)
  const { elapsedMs, byProgress, byHistory, known } = restsOf(task, load, nowMs, median)
  if (byProgress !== null && byHistory !== null) {
    // The further a task is, the more its own progress counts.
    const weight = task.progress / 100
    return weight * byProgress + (1 - weight) * byHistory
  }
  return byProgress ?? byHistory ?? (known ? elapsedMs * OVERDUE_SHARE : null)
}

/**
 * Milliseconds until the soonest end to reckon with, which few such tasks undercut: where {@link etaMs} tells the usual
 * end, this tells from when on asking may be worth it. Null while nothing tells, and when a task has outlasted all that did.
 *
 * @param position of a pending task among those that wait, 0-based
 */
export function soonestMs(
  task: TaskRecord,
  position: number | null,
  load: LaneLoad,
  nowMs: number,
): number | null {
  if (task.finishedMs !== null) return 0
  if (task.status === 'pending') return pendingMs(position, load, early)
  if (task.status !== 'running') return null
  const { byProgress, byHistory } = restsOf(task, load, nowMs, early)
  if (byProgress === null) return byHistory
  const soon = byProgress * SOON_SHARE
  return byHistory === null ? soon : Math.min(soon, Math.max(byHistory, byProgress * LEAST_SHARE))
}

/** The wait for a slot, if none is free for it, then a run as `typical` has it. */
function pendingMs(
  position: number | null,
  { running, slots, recentMs }: LaneLoad,
  typical: (ascending: number[]) => number,
): number | null {
  if (position === null || slots === 0 || recentMs.length === 0) return null
  const ahead = Math.max(0, position + 1 - Math.max(0, slots - running))
  return (ahead / slots) * median(recentMs) + typical(recentMs)
}

/**
 * What a running task has left, each null if it tells nothing: in proportion to what was done when progress last moved,
 * and as those had left that took longer than it has. What time has refuted tells nothing any more, but was `known`.
 */
function restsOf(
  { beganMs, updatedMs, progress }: TaskRecord,
  { recentMs }: LaneLoad,
  nowMs: number,
  typical: (ascending: number[]) => number,
) {
  const began = beganMs ?? nowMs
  const elapsedMs = nowMs - began
  // An attempt that begins with steps behind it has progress that says nothing of its own pace.
  const wholeMs = progress > 0 && updatedMs > began ? ((updatedMs - began) * 100) / progress : null
  const longer = recentMs.slice(recentMs.findLastIndex((duration) => duration <= elapsedMs) + 1)
  return {
    elapsedMs,
    byProgress: wholeMs !== null && wholeMs > elapsedMs ? wholeMs - elapsedMs : null,
    byHistory: longer.length > 0 ? typical(longer) - elapsedMs : null,
    known: wholeMs !== null || recentMs.length > 0,
  }
}

/** The middle of ascending figures, or the mean of the two in the middle. */
export function median(ascending: number[]): number {
  const middle = ascending.length >> 1
  return ascending.length % 2 === 1 ? ascending[middle]! : (ascending[middle - 1]! + ascending[middle]!) / 2
}

/** What few of the durations undercut; of a handful the least. */
function early(ascending: number[]): number {
  return ascending[Math.floor(ascending.length * EARLY_SHARE)]!
}
