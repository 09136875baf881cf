import { wholeSeconds } from '@accepted/core'

/** What a `Retry-After` may be, in seconds. */
export interface RetryBounds {
  minSeconds: number
  maxSeconds: number
}

/** An end may be seen late by this share of the task's own duration. */
const LATE_SHARE = 0.2

/**
 * While nothing is known: this share of the time a task has already taken. A fifth would show every end in time, but take
 * some forty polls for an hour; half takes about twenty, and docs/benchmarks/polling.md tells what is seen late.
 */
const SHARE_OF_AGE = 0.5

/**
 * When to ask again, in whole seconds before bounds: so long after the soonest end to reckon with that, were it the end,
 * it would just be seen in time. One poll then catches the ends around it too. While nothing is known, after a share of
 * the age. May be 0.
 *
 * @param soonestMs until the soonest end; null: unknown
 * @param ageMs since it was accepted
 */
export function waitSeconds(soonestMs: number | null, ageMs: number): number {
  if (soonestMs === null) return wholeSeconds(ageMs * SHARE_OF_AGE)
  const inTimeMs = soonestMs + (ageMs + soonestMs) * LATE_SHARE
  // The whole second after the end is the least that makes sense; later than in time is rounded down.
  return Math.max(wholeSeconds(soonestMs), Math.floor(inTimeMs / 1000))
}

/** The same within its bounds, as `Retry-After` has it. */
export function retryAfterSeconds(wait: number, { minSeconds, maxSeconds }: RetryBounds): number {
  return Math.min(Math.max(wait, minSeconds), Math.max(minSeconds, maxSeconds))
}
