import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LOADS, nextLevel, pressureOf, refusedShare, smoothedDelay } from './pressure.ts'

const LIMITS = { loopDelayMs: 200, memoryShare: 0.9 }

test('the pressure is what is worse, the loop or the memory: 1 at a limit, 2 at twice the delay or half of what was left', () => {
  expect(pressureOf({ loopDelayMs: 100, memoryShare: 0.5 }, LIMITS)).toBe(0.5)
  expect(pressureOf({ loopDelayMs: 200, memoryShare: 0.5 }, LIMITS)).toBe(1)
  expect(pressureOf({ loopDelayMs: 0, memoryShare: 0.9 }, LIMITS)).toBeCloseTo(1)
  expect(pressureOf({ loopDelayMs: 0, memoryShare: 0.95 }, LIMITS)).toBeCloseTo(2)
  expect(pressureOf({ loopDelayMs: 0, memoryShare: 0.975 }, LIMITS)).toBeCloseTo(4)
  expect(pressureOf({ loopDelayMs: 900, memoryShare: 1.2 }, LIMITS)).toBeCloseTo(100)
})

test('what has no limit is not looked at', () => {
  expect(pressureOf({ loopDelayMs: 1e6, memoryShare: 0 }, { ...LIMITS, loopDelayMs: 0 })).toBeLessThan(1)
  expect(pressureOf({ loopDelayMs: 0, memoryShare: 1 }, { ...LIMITS, memoryShare: 1 })).toBe(0)
})

test('a short stop is smoothed away; turns that stay slow are seen as they are within two seconds', () => {
  // Stands still for 200 ms once, looked at every 50 ms.
  expect(smoothedDelay(0, 200, 250)).toBeLessThan(100)
  let delayMs = 0
  for (let passedMs = 0; passedMs < 2_000; passedMs += 350) delayMs = smoothedDelay(delayMs, 300, 350)
  expect(delayMs).toBeGreaterThan(290)
  // A machine that slept for a night is well again after some seconds.
  delayMs = smoothedDelay(0, 3e7, 3e7)
  for (let passedMs = 0; passedMs < 3_000; passedMs += 50) delayMs = smoothedDelay(delayMs, 0, 50)
  expect(delayMs).toBeLessThan(100)
})

/** The level after so long under a pressure, looked at every 50 ms. */
function after(ms: number, level: number, pressure: number): number {
  let reached = level
  for (let passedMs = 0; passedMs < ms; passedMs += 50) reached = nextLevel(reached, pressure, pressure, 50)
  return reached
}

test('starts are refused first, then lists, then reads, each above a pressure of its own, the faster the higher it is', () => {
  expect(after(10_000, 0, 1)).toBe(0)
  expect(after(250, 0, 1.5)).toBeCloseTo(0.25)
  expect(after(250, 0, 2)).toBeCloseTo(0.5)
  expect(after(250, 0, 90)).toBeCloseTo(0.5)
  expect(after(10_000, 0, 2)).toBe(1)
  expect(after(10_000, 0, 4)).toBe(2)
  expect(after(10_000, 0, 5)).toBe(3)
})

test('it lets in again below the pressure that it refuses at, bit by bit, the last one first, the faster the lower it is', () => {
  expect(after(10_000, 1, 1)).toBe(1)
  expect(after(1_000, 1, 0.75)).toBeCloseTo(0.75)
  expect(after(1_000, 1, 0.5)).toBeCloseTo(0.5)
  expect(after(1_000, 1, 0)).toBeCloseTo(0.5)
  expect(after(10_000, 3, 4)).toBe(3)
  expect(after(10_000, 3, 2)).toBe(2)
  expect(after(10_000, 3, 1)).toBe(1)
  expect(after(10_000, 3, 0.1)).toBe(0)
})

test('whatever it refused before, below its limits it comes to refuse nothing', () => {
  const below = fc.double({ min: 0, max: 0.9, noNaN: true })
  fc.assert(
    fc.property(below, fc.double({ min: 0, max: 3, noNaN: true }), (pressure, level) => {
      expect(after(30_000, level, pressure)).toBe(0)
    }),
  )
})

test('whatever it is pressed by, the level stays within its bounds, and no load is refused before the one before it', () => {
  const looks = fc.array(
    fc.record({
      pressure: fc.double({ min: 0, max: 100, noNaN: true }),
      pressureNow: fc.double({ min: 0, max: 100, noNaN: true }),
      passedMs: fc.integer({ min: 1, max: 5_000 }),
    }),
  )
  fc.assert(
    fc.property(looks, (found) => {
      let level = 0
      for (const { pressure, pressureNow, passedMs } of found) {
        level = nextLevel(level, pressure, pressureNow, passedMs)
        const shares = LOADS.map((load) => refusedShare(level, load))
        for (const share of shares) expect(share >= 0 && share <= 1).toBe(true)
        for (const [nth, share] of shares.entries())
          if (share > 0) expect(shares.slice(0, nth).every((before) => before === 1)).toBe(true)
      }
    }),
  )
})
