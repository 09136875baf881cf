import type { RetryBounds } from '../retry-after.ts'

/** A lane as somebody who was refused finds it. */
export interface CrowdedLane {
  /** Tasks that have to leave those that wait before the caller finds room; at least 1. */
  excess: number
  /** Between two that leave, ms; Infinity: nothing leaves; null: nothing is known. */
  gapMs: number | null
}

/**
 * So much of the time until there is room is added to it: tasks leave unevenly, and who comes too early comes once more.
 * docs/decisions/024-admission.md has the figures.
 */
const LATE_SHARE = 0.2
/**
 * Those who are refused are spread over a minute, or over what so many tasks take, however many they are: most of a flood
 * never come again.
 */
const SPREAD_MS = 60_000
const SPREAD_TASKS = 10
/** The last share of the longest wait, over which those are spread who are told that. */
const SPREAD_SHARE = 0.1

/** When a caller is to come again. */
export interface Turn {
  /** Whole seconds, within the bounds. */
  retryAfter: number
  /** The time of its turn, ms: what the next caller's is after. */
  atMs: number
}

/**
 * When there will be room for a caller of a crowded lane: once as many tasks have left as have to, and one more for every caller who
 * was told before it and has not come yet. So that no more are told to come at a time than find room then.
 *
 * @param lastMs the turn of who was refused before; 0: nobody was
 * @param chance 0…1, for whose turn cannot be told
 */
export function turnOf(
  { excess, gapMs }: CrowdedLane,
  { nowMs, lastMs, chance, bounds }: { nowMs: number; lastMs: number; chance: number; bounds: RetryBounds },
): Turn {
  const longest = Math.max(bounds.minSeconds, bounds.maxSeconds)
  const shortest = Math.min(bounds.minSeconds, longest)
  const bounded = (ms: number, atMs: number) => {
    const seconds = Math.ceil(ms / 1000)
    const retryAfter =
      seconds < longest ? Math.max(seconds, shortest) : spreadAtEnd(shortest, longest, chance)
    return { retryAfter, atMs }
  }
  if (gapMs === Number.POSITIVE_INFINITY) return bounded(gapMs, lastMs)
  const oneMs = (gapMs ?? 0) * (1 + LATE_SHARE)
  const firstMs = nowMs + excess * oneMs
  const nextMs = Math.max(firstMs, lastMs + oneMs)
  const atMs = nextMs - firstMs <= Math.max(SPREAD_MS, SPREAD_TASKS * oneMs) ? nextMs : firstMs
  return bounded(atMs - nowMs, atMs)
}

/** The longest wait, or somewhat less: so that not all who are told it come in the same second. */
function spreadAtEnd(shortest: number, longest: number, chance: number): number {
  return Math.max(shortest, Math.round(longest * (1 - SPREAD_SHARE * chance)))
}
