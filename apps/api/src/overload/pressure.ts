/** What tells how a process fares. */
export interface Readings {
  /** For how long what is ready has to wait for its turn of the event loop, ms, smoothed. */
  loopDelayMs: number
  /** How much of the memory that it may have it has: 0…1. */
  memoryShare: number
}

/** From when on a process is overloaded. */
export interface OverloadLimits {
  /** Ms; 0: the event loop is not looked at. */
  loopDelayMs: number
  /** 0…1; 1: memory is not looked at. */
  memoryShare: number
}

/** What is refused, the first one first. */
export const LOADS = ['starts', 'lists', 'reads'] as const
export type Load = (typeof LOADS)[number]

/** Above these pressures each of them is refused; the limits are 1. */
const THRESHOLDS = [1, 2, 4] as const
/** Below this share of its threshold a load is let in again as fast as it ever is. */
const CALM_SHARE = 0.5
/** All of one load is refused after so long at twice its threshold or more. */
const RISE_MS = 500
/** However long a look was late, it counts for no more: one time of standing still overloads nobody. */
const LONGEST_STEP_MS = 250
/** And let in again, bit by bit, in so long at least. */
const FALL_MS = 2_000
const SMOOTH_MS = 500
/** A process that stood still, as when its machine slept, makes up for no more than this. */
const LONGEST_LAG_MS = 10_000

/**
 * The delay of an event loop, smoothed over half a second.
 *
 * @param lagMs by which a timer was late
 * @param passedMs since it was last looked at
 */
export function smoothedDelay(beforeMs: number, lagMs: number, passedMs: number): number {
  const weight = 1 - Math.exp(-passedMs / SMOOTH_MS)
  return beforeMs + weight * (Math.min(Math.max(0, lagMs), LONGEST_LAG_MS) - beforeMs)
}

/** How hard pressed a process is: 1 at its limits, twice that with twice the delay or half of the memory that was left at the limit. */
export function pressureOf({ loopDelayMs, memoryShare }: Readings, limits: OverloadLimits): number {
  const byLoop = limits.loopDelayMs === 0 ? 0 : loopDelayMs / limits.loopDelayMs
  const headroom = 1 - limits.memoryShare
  const byMemory = headroom <= 0 ? 0 : headroom / Math.max(1 - memoryShare, headroom / 100)
  return Math.max(byLoop, byMemory)
}

/**
 * How much is refused: 0: nothing, 1: all starts, 2: all lists too, 3: everything; between them a share of the next.
 * It rises while the pressure is above the threshold of the next load and falls while it is below that of the last one, the faster the
 * farther it is: so that it finds the share that the process can bear, and no load goes before its turn.
 *
 * @param pressure lately
 * @param pressureNow at this look alone: if it is less, what was is over, and nothing rises
 */
export function nextLevel(level: number, pressure: number, pressureNow: number, passedMs: number): number {
  const next = Math.floor(level)
  const excess = Math.min(pressure, pressureNow) / (THRESHOLDS[next] ?? Number.POSITIVE_INFINITY) - 1
  if (excess > 0) {
    const stepMs = Math.min(1, excess) * Math.min(passedMs, LONGEST_STEP_MS)
    return Math.min(next + 1, level + stepMs / RISE_MS)
  }
  const last = Math.ceil(level) - 1
  const ease = last < 0 ? 0 : 1 - pressure / THRESHOLDS[last]!
  if (ease <= 0) return level
  return Math.max(last, level - (Math.min(1, ease / CALM_SHARE) * passedMs) / FALL_MS)
}

/** The share of a load that is refused at a level: 0…1. */
export function refusedShare(level: number, load: Load): number {
  return Math.min(1, Math.max(0, level - LOADS.indexOf(load)))
}
