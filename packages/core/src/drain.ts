import { median } from './eta.ts'
import type { LaneState } from './store/upkeep.ts'

/** A stretch of time in which tasks left those that wait in a lane: from `beganMs` until the next stretch begins. */
export interface Stretch {
  /** Redis's time; a task left just then. */
  beganMs: number
  /** How many left in it. */
  left: number
}

/** Stretches as the store keeps them: `began left began left …`, the latest first. */
export function readStretches(text: string): Stretch[] {
  return [...text.matchAll(/(\d+) (\d+)/g)].map(([, began, left]) => ({
    beganMs: Number(began),
    left: Number(left),
  }))
}

/** What tells how a lane drains. */
export type DrainedLane = Pick<LaneState, 'nowMs' | 'slots' | 'drained' | 'recentMs'>

/**
 * Milliseconds between two tasks that leave those that wait in a lane. By what really left lately, while others waited; where that is
 * not known yet, as in a lane that filled up just now, by recent durations. Infinity: nobody works there; null: nothing is known.
 */
export function drainGapMs({ nowMs, slots, drained, recentMs }: DrainedLane): number | null {
  if (slots === 0) return Number.POSITIVE_INFINITY
  const [latest, ...earlier] = drained
  const lastedMs = latest ? nowMs - latest.beganMs : 0
  if (latest && earlier.length > 0) {
    const left = earlier.reduce((sum, stretch) => sum + stretch.left, 0)
    const most = Math.max(latest.left, ...earlier.map((stretch) => stretch.left))
    // No stretch had more than that: if the latest lasts, the lane has slowed down or stands still.
    return Math.max((latest.beganMs - earlier.at(-1)!.beganMs) / left, lastedMs / most)
  }
  if (recentMs.length > 0) return median([...recentMs].sort((a, b) => a - b)) / slots
  return latest && lastedMs > 0 ? lastedMs / latest.left : null
}
