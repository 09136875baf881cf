import { describe, expect, test } from 'vitest'
import { PROMISED_SCHEDULE, type Schedule } from './schedule.ts'
import type { CallbackOutcome } from './send.ts'
import { verdictOf } from './verdict.ts'

const AT = 1_763_678_400_000
const ONE: Schedule = { delaysMs: [5_000], jitter: 0 }

function judge(outcome: Omit<CallbackOutcome, 'durationMs'>, { tries = 0, stage = 0 } = {}, schedule = ONE) {
  const whole = { durationMs: 12, ...outcome } as CallbackOutcome
  return verdictOf(whole, { tries, stage }, schedule, AT, 0.5)
}

const refused = (httpStatus: number, retryAfterMs?: number) =>
  ({ outcome: 'refused', httpStatus, retryAfterMs }) as Omit<CallbackOutcome, 'durationMs'>
const failed = (quick: boolean) =>
  ({ outcome: 'failed', error: 'the connection was refused', quick }) as Omit<CallbackOutcome, 'durationMs'>

test('an answer of 2xx ends it well', () => {
  expect(judge({ outcome: 'delivered', httpStatus: 202 } as never)).toEqual({
    follows: 'delivered',
    attempt: { atMs: AT, httpStatus: 202, error: null, durationMs: 12 },
    health: 'well',
  })
})

test('410 ends it for good', () => {
  expect(judge({ outcome: 'gone', httpStatus: 410 } as never)).toMatchObject({
    follows: 'failed',
    attempt: { httpStatus: 410 },
    health: 'so_so',
  })
})

test.each([301, 302, 307, 400, 401, 404, 418])(
  '%i is tried again; it tells nothing of the receiver',
  (status) => {
    expect(judge(refused(status))).toMatchObject({ follows: 'retry', delayMs: 5_000, health: 'so_so' })
  },
)

test.each([408, 425, 429, 500, 502, 503])('%i is tried again; the receiver is not well', (status) => {
  expect(judge(refused(status))).toMatchObject({ follows: 'retry', delayMs: 5_000, health: 'ill' })
})

describe('Retry-After', () => {
  test('is obeyed if it is later than the schedule', () => {
    expect(judge(refused(503, 60_000))).toMatchObject({ delayMs: 60_000 })
  })
  test('does not bring an attempt forward', () => {
    expect(judge(refused(503, 1_000))).toMatchObject({ delayMs: 5_000 })
  })
})

describe('a failure without an answer', () => {
  test('within a second is tried once more at once, if it was the first attempt', () => {
    expect(judge(failed(true))).toMatchObject({ follows: 'again', health: 'ill' })
    expect(judge(failed(true), { tries: 1 })).toMatchObject({ follows: 'retry', delayMs: 5_000 })
  })
  test('that took longer is tried again by the schedule', () => {
    expect(judge(failed(false))).toMatchObject({ follows: 'retry', delayMs: 5_000 })
  })
})

test('a target that must not be connected to is a failed attempt with its reason', () => {
  expect(judge({ outcome: 'forbidden', error: 'it leads to a private address' } as never)).toMatchObject({
    follows: 'retry',
    attempt: { httpStatus: null, error: 'it leads to a private address' },
    health: 'so_so',
  })
})

test('after the last delay it fails', () => {
  expect(judge(refused(500), { tries: 1, stage: 1 })).toMatchObject({ follows: 'failed' })
  expect(judge(refused(500), { tries: 9, stage: 8 }, PROMISED_SCHEDULE)).toMatchObject({ follows: 'retry' })
  expect(judge(refused(500), { tries: 10, stage: 9 }, PROMISED_SCHEDULE)).toMatchObject({ follows: 'failed' })
})

test('one that was given up from here was not tried', () => {
  expect(judge({ outcome: 'aborted' })).toEqual({ follows: 'release', delayMs: 0 })
})
