import { expect, test } from 'vitest'
import { retryAfterSeconds, waitSeconds } from './retry-after.ts'

test('with an estimate, the wait is what is left, in whole seconds upwards', () => {
  expect(waitSeconds(0, 9_000)).toBe(0)
  expect(waitSeconds(50, 0)).toBe(0)
  expect(waitSeconds(400, 0)).toBe(1)
  expect(waitSeconds(2_600, 0)).toBe(3)
})

test('without one, the wait is a fifth of the age', () => {
  expect(waitSeconds(null, 0)).toBe(0)
  expect(waitSeconds(null, 10_000)).toBe(2)
  expect(waitSeconds(null, 600_000)).toBe(120)
})

test('the hint keeps its bounds, the lower one above all', () => {
  const bounds = { minSeconds: 2, maxSeconds: 60 }
  expect([0, 1, 7, 900].map((wait) => retryAfterSeconds(wait, bounds))).toEqual([2, 2, 7, 60])
  expect(retryAfterSeconds(7, { minSeconds: 5, maxSeconds: 1 })).toBe(5)
})
