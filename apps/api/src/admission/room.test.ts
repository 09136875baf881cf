import { drainGapMs, type Stretch } from '@accepted/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { turnOf } from './room.ts'

const BOUNDS = { minSeconds: 1, maxSeconds: 600 }
const first = { nowMs: 1e12, lastMs: 0, chance: 0, bounds: BOUNDS }

test('the caller comes when as many have left as have to, and a fifth later', () => {
  expect(turnOf({ excess: 5, gapMs: 2_000 }, first)).toEqual({ retryAfter: 12, atMs: 1e12 + 12_000 })
  expect(turnOf({ excess: 1, gapMs: 3 }, first).retryAfter).toBe(1)
})

test('where nothing leaves it is the longest wait, of many at once somewhat less', () => {
  const lane = { excess: 1, gapMs: Number.POSITIVE_INFINITY }
  expect(turnOf(lane, first).retryAfter).toBe(600)
  expect(turnOf(lane, { ...first, chance: 0.5 }).retryAfter).toBe(570)
  expect(turnOf(lane, { ...first, chance: 0.999 }).retryAfter).toBe(540)
})

test('while nothing is known it is the least wait', () => {
  expect(turnOf({ excess: 9, gapMs: null }, first).retryAfter).toBe(1)
})

const lanes = fc.record({
  excess: fc.integer({ min: 1, max: 100_000 }),
  gapMs: fc.oneof(fc.constant(null), fc.double({ min: 0, noNaN: true })),
})

test('it stays within its bounds, and is no less the more have to leave', () => {
  const arbitrary = fc.record({
    lane: lanes,
    lastMs: fc.nat(2e12),
    chance: fc.double({ min: 0, max: 1, noNaN: true }),
    min: fc.integer({ min: 1, max: 3600 }),
    max: fc.integer({ min: 1, max: 86_400 }),
  })
  fc.assert(
    fc.property(arbitrary, ({ lane, lastMs, chance, min, max }) => {
      const bounds = { minSeconds: min, maxSeconds: Math.max(min, max) }
      const told = { nowMs: 1e12, lastMs, chance, bounds }
      const { retryAfter } = turnOf(lane, told)
      expect(Number.isInteger(retryAfter)).toBe(true)
      expect(retryAfter).toBeGreaterThanOrEqual(bounds.minSeconds)
      expect(retryAfter).toBeLessThanOrEqual(bounds.maxSeconds)
      const longer = turnOf({ ...lane, excess: lane.excess + 1 }, { ...told, lastMs: 0 })
      expect(longer.retryAfter).toBeGreaterThanOrEqual(turnOf(lane, { ...told, lastMs: 0 }).retryAfter)
    }),
  )
})

test('of those who are refused at once no more come in a second than leave in it', () => {
  const arbitrary = fc.record({
    gapMs: fc.double({ min: 1, max: 20_000, noNaN: true }),
    callers: fc.integer({ min: 1, max: 2_000 }),
  })
  fc.assert(
    fc.property(arbitrary, ({ gapMs, callers }) => {
      const bySecond = new Map<number, number>()
      let lastMs = 0
      const within = Math.min(callers, Math.floor(60_000 / (1.2 * gapMs)))
      for (let n = 0; n < within; n += 1) {
        const turn = turnOf({ excess: 1, gapMs }, { ...first, lastMs })
        lastMs = turn.atMs
        bySecond.set(turn.retryAfter, (bySecond.get(turn.retryAfter) ?? 0) + 1)
      }
      for (const come of bySecond.values()) expect(come).toBeLessThanOrEqual(Math.ceil(1_000 / gapMs))
    }),
  )
})

/** Numbers in [0, 1), the same each time (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/**
 * The share of callers who find room when they come as told: a full lane from which tasks leave at random, and callers who are all
 * refused at once.
 */
function foundRoom(gapMs: number, callers: number, random: () => number): number {
  const capacity = 1_000
  const leavings: number[] = []
  for (let atMs = 0; leavings.length < 20_000; ) {
    atMs += -Math.log(1 - random()) * gapMs
    leavings.push(atMs)
  }
  // Known by what left before they came.
  const nowMs = leavings[500]!
  const stretches: Stretch[] = []
  for (const atMs of leavings.slice(0, 501)) {
    if (stretches[0] && atMs - stretches[0].beganMs < 1000) stretches[0].left += 1
    else stretches.unshift({ beganMs: atMs, left: 1 })
  }
  const known = { nowMs, slots: 10, drained: stretches.slice(0, 16), recentMs: [] }
  let lastMs = 0
  const returns = Array.from({ length: callers }, () => {
    const lane = { excess: 1, gapMs: drainGapMs(known) }
    const turn = turnOf(lane, { nowMs, lastMs, chance: random(), bounds: BOUNDS })
    lastMs = turn.atMs
    return nowMs + turn.retryAfter * 1000
  })
  let waiting = capacity
  let left = 501
  let found = 0
  for (const atMs of returns.sort((a, b) => a - b)) {
    while (leavings[left]! <= atMs) {
      left += 1
      waiting -= 1
    }
    if (waiting < capacity) {
      found += 1
      waiting += 1
    }
  }
  return found / callers
}

test.each([
  ['200 a second, one caller', 5, 1, 0.95],
  ['200 a second, 1,000 at once', 5, 1_000, 0.95],
  ['ten a second, one caller', 100, 1, 0.95],
  ['ten a second, 100 at once', 100, 100, 0.95],
  ['one a second, one caller', 1_000, 1, 0.75],
  ['one a second, 20 at once', 1_000, 20, 0.8],
  ['one in ten seconds, one caller', 10_000, 1, 0.6],
  ['one in ten seconds, 10 at once', 10_000, 10, 0.7],
])('who waits as told finds room: %s', (_, gapMs, callers, atLeast) => {
  const random = randomFrom(1)
  const shares = Array.from({ length: 100 }, () => foundRoom(gapMs, callers, random))
  const share = shares.reduce((sum, one) => sum + one) / shares.length
  expect(share).toBeGreaterThanOrEqual(atLeast)
})
