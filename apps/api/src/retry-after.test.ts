import { expect, test } from 'vitest'
import { retryAfterSeconds, waitSeconds } from './retry-after.ts'

test('the wait reaches over the soonest end, in whole seconds', () => {
  expect(waitSeconds(0, 900)).toBe(0)
  expect(waitSeconds(50, 0)).toBe(0)
  expect(waitSeconds(400, 0)).toBe(1)
  expect(waitSeconds(2_600, 0)).toBe(3)
})

test('it goes on for a fifth of what the task would have taken, so that ends a little later are seen too', () => {
  expect(waitSeconds(100_000, 0)).toBe(120)
  expect(waitSeconds(50_000, 50_000)).toBe(70)
})

test('however near the end may be, an old task is not asked for more often than its age allows', () => {
  expect(waitSeconds(0, 600_000)).toBe(120)
})

test('an end at the soonest is seen in time: within a second or a fifth of the duration, and not before it is there', () => {
  for (let soonestMs = 0; soonestMs < 4_000_000; soonestMs = soonestMs * 1.37 + 13) {
    for (let ageMs = 0; ageMs < 4_000_000; ageMs = ageMs * 1.53 + 101) {
      const lagMs = waitSeconds(soonestMs, ageMs) * 1_000 - soonestMs
      expect(lagMs).toBeLessThanOrEqual(Math.max(1_000, (ageMs + soonestMs) * 0.2))
      expect(lagMs).toBeGreaterThanOrEqual(-100) // A tenth of a second is not worth a whole one.
    }
  }
})

test('while nothing is known, the wait is half of the age', () => {
  expect(waitSeconds(null, 0)).toBe(0)
  expect(waitSeconds(null, 10_000)).toBe(5)
  expect(waitSeconds(null, 600_000)).toBe(300)
})

test('the hint keeps its bounds, the lower one above all', () => {
  const bounds = { minSeconds: 2, maxSeconds: 60 }
  expect([0, 1, 7, 900].map((wait) => retryAfterSeconds(wait, bounds))).toEqual([2, 2, 7, 60])
  expect(retryAfterSeconds(7, { minSeconds: 5, maxSeconds: 1 })).toBe(5)
})
