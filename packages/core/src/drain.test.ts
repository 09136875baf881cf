import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drainGapMs, readStretches, type Stretch } from './drain.ts'

const lane = (nowMs: number, drained: Stretch[], recentMs: number[] = [], slots = 10) => ({
  nowMs,
  slots,
  drained,
  recentMs,
})

test('what the store keeps is read, the latest first', () => {
  expect(readStretches('5000 3 1000 12')).toEqual([
    { beganMs: 5000, left: 3 },
    { beganMs: 1000, left: 12 },
  ])
  expect(readStretches('')).toEqual([])
})

test('where nobody works nothing leaves, whatever did before', () => {
  expect(drainGapMs(lane(2500, readStretches('2000 9 1000 10'), [100], 0))).toBe(Number.POSITIVE_INFINITY)
})

test('while nothing is known of what leaves, recent durations tell, then what left since the lane filled up', () => {
  expect(drainGapMs(lane(1000, []))).toBeNull()
  expect(drainGapMs(lane(1000, [], [4000, 1000, 2000]))).toBe(200)
  expect(drainGapMs(lane(6000, readStretches('1000 10'), [60_000]))).toBe(6000)
  expect(drainGapMs(lane(6000, readStretches('1000 10')))).toBe(500)
  expect(drainGapMs(lane(1000, readStretches('1000 10')))).toBeNull()
})

/** The stretches of a lane that lets so many go at each of these moments, as draining.lua keeps them. */
function stretchesOf(leavings: { atMs: number; left: number }[]): Stretch[] {
  const stretches: Stretch[] = []
  for (const { atMs, left } of leavings) {
    if (stretches[0] && atMs - stretches[0].beganMs < 1000) stretches[0].left += left
    else stretches.unshift({ beganMs: atMs, left })
  }
  return stretches.slice(0, 16)
}

test('a steady lane is seen as it is, whatever its rate and at whatever moment one looks', () => {
  const arbitrary = fc.record({
    gapMs: fc.double({ min: 0.2, max: 60_000, noNaN: true }),
    clump: fc.integer({ min: 1, max: 50 }),
    look: fc.double({ min: 0, max: 0.99, noNaN: true }),
  })
  fc.assert(
    fc.property(arbitrary, ({ gapMs, clump, look }) => {
      const everyMs = gapMs * clump
      const count = Math.ceil(Math.max(20, 20_000 / everyMs))
      const leavings = Array.from({ length: count }, (_, n) => ({
        atMs: 1e12 + Math.round(n * everyMs),
        left: clump,
      }))
      const nowMs = leavings.at(-1)!.atMs + look * everyMs
      const seen = drainGapMs(lane(nowMs, stretchesOf(leavings)))!
      expect(seen / gapMs).toBeGreaterThan(0.9)
      expect(seen / gapMs).toBeLessThan(1.1)
    }),
  )
})

test('the longer nothing leaves, the slower the lane is held to be', () => {
  const drained = readStretches('20000 50 19000 100 18000 100')
  const gaps = [20_500, 22_000, 30_000, 120_000].map((nowMs) => drainGapMs(lane(nowMs, drained))!)
  expect(gaps).toEqual([10, 20, 100, 1000])
})

test('it is a time, or not known, whatever is kept', () => {
  const stretch = fc.record({ beganMs: fc.nat(1e9), left: fc.integer({ min: 1, max: 1e6 }) })
  fc.assert(
    fc.property(
      fc.array(stretch, { maxLength: 16 }),
      fc.nat(1e9),
      fc.array(fc.nat(1e6)),
      (found, ageMs, recentMs) => {
        const drained = found.sort((a, b) => b.beganMs - a.beganMs)
        const gapMs = drainGapMs(lane((drained[0]?.beganMs ?? 0) + ageMs, drained, recentMs))
        if (gapMs !== null) expect(gapMs).toBeGreaterThanOrEqual(0)
        expect(gapMs).not.toBeNaN()
      },
    ),
  )
})
