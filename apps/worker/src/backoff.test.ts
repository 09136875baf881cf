import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

const backoff = { firstMs: 1_000, maxMs: 10_000 }

test('the wait doubles with every attempt, up to its bound', () => {
  expect([1, 2, 3, 4, 5, 50].map((attempt) => backoffMs(backoff, attempt, 1))).toEqual([
    1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
  ])
})

test('chance takes away at most half', () => {
  expect(backoffMs(backoff, 2, 0)).toBe(1_000)
  expect(backoffMs(backoff, 2, 0.5)).toBe(1_500)
})
