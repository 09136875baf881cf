import type { Backoff } from '@accepted/contract'

/**
 * Milliseconds to wait after a failed attempt: exponential, with "equal jitter", so that the wait is never short and
 * tasks that failed together do not return together.
 *
 * @param attempt the one that failed, from 1
 * @param random 0 ≤ x < 1
 */
export function backoffMs({ firstMs, maxMs }: Backoff, attempt: number, random: number): number {
  const whole = Math.min(maxMs, firstMs * 2 ** (attempt - 1))
  return whole / 2 + (whole / 2) * random
}
