import { wholeSeconds } from '@accepted/core'

/** What a `Retry-After` may be, in seconds. */
export interface RetryBounds {
  minSeconds: number
  maxSeconds: number
}

/** Without an estimate: this share of the time a task has already taken. */
const SHARE_OF_AGE = 0.2

/**
 * When to ask again, in whole seconds before bounds: when the task is expected to end; with no estimate, after a fifth
 * of its age, so that the end is seen late by a fifth of the task's own duration at most. May be 0.
 *
 * @param ageMs since it was accepted
 */
export function waitSeconds(etaMs: number | null, ageMs: number): number {
  return wholeSeconds(etaMs ?? ageMs * SHARE_OF_AGE)
}

/** The same within its bounds, as `Retry-After` has it. */
export function retryAfterSeconds(wait: number, { minSeconds, maxSeconds }: RetryBounds): number {
  return Math.min(Math.max(wait, minSeconds), Math.max(minSeconds, maxSeconds))
}
