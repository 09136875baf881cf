import type { DeliveryAttempt, EndpointHealth, HeldDelivery, Verdict } from '@accepted/core'
import { delayMsAt, type Schedule } from './schedule.ts'
import type { CallbackOutcome } from './send.ts'

/** What an answer of this class says of the whole receiver, not of this message alone. */
const OVERLOADED = new Set([408, 425, 429])

/**
 * What follows an attempt, by the contract: 2xx ends a delivery well, 410 for good; all else is tried again by the schedule, at the
 * receiver's `Retry-After` if that is later; at once, if the very first attempt failed within a second without an answer.
 *
 * @param atMs when the attempt began, on Redis's clock
 * @param random 0 ≤ x < 1
 */
export function verdictOf(
  outcome: CallbackOutcome,
  { tries, stage }: Pick<HeldDelivery, 'tries' | 'stage'>,
  schedule: Schedule,
  atMs: number,
  random: number,
): Verdict {
  if (outcome.outcome === 'aborted') return { follows: 'release', delayMs: 0 }
  const attempt = attemptOf(outcome, atMs)
  const health = healthOf(outcome)
  if (outcome.outcome === 'delivered') return { follows: 'delivered', attempt, health }
  if (outcome.outcome === 'gone') return { follows: 'failed', attempt, health }
  if (outcome.outcome === 'failed' && outcome.quick && tries === 0)
    return { follows: 'again', attempt, health }
  const delayMs = delayMsAt(schedule, stage, random)
  if (delayMs === null) return { follows: 'failed', attempt, health }
  const askedMs = outcome.outcome === 'refused' ? (outcome.retryAfterMs ?? 0) : 0
  return { follows: 'retry', delayMs: Math.max(delayMs, askedMs), attempt, health }
}

type Tried = Exclude<CallbackOutcome, { outcome: 'aborted' }>

function attemptOf(outcome: Tried, atMs: number): DeliveryAttempt {
  const { durationMs } = outcome
  const httpStatus = 'httpStatus' in outcome ? outcome.httpStatus : null
  return { atMs, httpStatus, error: errorOf(outcome), durationMs }
}

function errorOf(outcome: Tried): string | null {
  switch (outcome.outcome) {
    case 'delivered':
      return null
    case 'gone':
      return 'the receiver wants no more of it (410)'
    case 'refused':
      return `the receiver answered ${outcome.httpStatus}`
    default:
      return outcome.error
  }
}

function healthOf(outcome: Tried): EndpointHealth {
  if (outcome.outcome === 'delivered') return 'well'
  if (outcome.outcome === 'failed') return 'ill'
  const overloaded =
    outcome.outcome === 'refused' && (outcome.httpStatus >= 500 || OVERLOADED.has(outcome.httpStatus))
  return overloaded ? 'ill' : 'so_so'
}
