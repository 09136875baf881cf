import { expect, test } from 'vitest'
import { etaMs, soonestMs } from './eta.ts'
import type { TaskRecord } from './store/record.ts'

const pending = { status: 'pending', finishedMs: null, beganMs: null, progress: 0 } as TaskRecord
const runningSince = (beganMs: number, progress: number, updatedMs = 1000) =>
  ({ status: 'running', finishedMs: null, beganMs, updatedMs, progress }) as TaskRecord
const load = (slots: number, running: number, ...recentMs: number[]) => ({ slots, running, recentMs })

test('an ended task has no time left', () => {
  expect(etaMs({ finishedMs: 5 } as TaskRecord, null, load(0, 0), 9)).toBe(0)
})

test('nothing is known without history, without workers, or between attempts', () => {
  expect(etaMs(pending, 0, load(10, 0), 0)).toBeNull()
  expect(etaMs(pending, 0, load(0, 0, 1000), 0)).toBeNull()
  expect(etaMs(pending, null, load(10, 0, 1000), 0)).toBeNull()
  expect(etaMs(runningSince(0, 0), null, load(1, 1), 500)).toBeNull()
})

test('a task that finds a free slot takes as long as such tasks usually do', () => {
  expect(etaMs(pending, 0, load(10, 3, 900, 1000, 5000), 0)).toBe(1000)
})

test('a task that must wait for slots takes longer by every task ahead of it', () => {
  expect(etaMs(pending, 0, load(2, 2, 1000), 0)).toBe(1500)
  expect(etaMs(pending, 9, load(2, 2, 1000), 0)).toBe(6000)
  expect(etaMs(pending, 9, load(4, 2, 1000), 0)).toBe(3000)
})

test('a running task has left what those have left that took longer than it has', () => {
  expect(etaMs(runningSince(0, 0), null, load(1, 1, 100, 1000, 3000), 500)).toBe(1500)
})

test('a task that outlasts all others is expected to take a fifth longer than it has', () => {
  expect(etaMs(runningSince(0, 0), null, load(1, 1, 100, 200), 1000)).toBe(200)
})

test('progress alone tells the rest by proportion, and outweighs history the more of it there is', () => {
  expect(etaMs(runningSince(0, 25), null, load(1, 1), 1000)).toBe(3000)
  const early = etaMs(runningSince(0, 10), null, load(1, 1, 2000), 1000)!
  const late = etaMs(runningSince(0, 90), null, load(1, 1, 2000), 1000)!
  expect(early).toBeCloseTo(0.1 * 9000 + 0.9 * 1000)
  expect(late).toBeCloseTo(0.9 * (1000 / 9) + 0.1 * 1000)
})

test('between two steps the rest by progress counts down', () => {
  expect(etaMs(runningSince(0, 50, 1000), null, load(1, 1), 1400)).toBe(600)
})

test('progress that time has refuted leaves the word to history, and without one a fifth of the age', () => {
  expect(etaMs(runningSince(0, 50, 1000), null, load(1, 1, 9000), 4000)).toBe(5000)
  expect(etaMs(runningSince(0, 50, 1000), null, load(1, 1), 4000)).toBe(800)
})

test('an attempt that begins with steps behind it has no pace yet', () => {
  expect(etaMs(runningSince(1000, 66, 1000), null, load(1, 1), 1500)).toBeNull()
  expect(etaMs(runningSince(1000, 66, 1000), null, load(1, 1, 3000), 1500)).toBe(2500)
})

const HUNDRED = Array.from({ length: 100 }, (_, n) => 1000 + n * 10)

test('the soonest end is what one in twenty such tasks undercuts, and of a handful the shortest', () => {
  expect(soonestMs(pending, 0, load(1, 0, ...HUNDRED), 0)).toBe(1050)
  expect(soonestMs(pending, 0, load(1, 0, 900, 1000, 5000), 0)).toBe(900)
  expect(soonestMs(runningSince(0, 0), null, load(1, 1, ...HUNDRED), 400)).toBe(650)
})

test('the soonest end of a task that waits comes after those ahead of it took as long as usual', () => {
  expect(soonestMs(pending, 9, load(2, 2, 800, 1000, 1200), 0)).toBe(5800)
})

test('the soonest end of a running task is that of the shortest run that it has not outlasted', () => {
  expect(soonestMs(runningSince(0, 0), null, load(1, 1, 100, 1000, 3000), 500)).toBe(500)
  expect(soonestMs(runningSince(0, 0), null, load(1, 1, 100, 1000, 3000), 1000)).toBe(2000)
})

test('progress may run behind the work by a fifth of what it leaves to do', () => {
  expect(soonestMs(runningSince(0, 50), null, load(1, 1), 1000)).toBe(800)
})

test('history brings the soonest end by progress forward, but leaves it a tenth', () => {
  expect(soonestMs(runningSince(0, 10), null, load(1, 1, 4000), 1000)).toBe(3000)
  expect(soonestMs(runningSince(0, 10), null, load(1, 1, 1100), 1000)).toBe(900)
  expect(soonestMs(runningSince(0, 10), null, load(1, 1, 90_000), 1000)).toBe(7200)
})

test('there is no soonest end while nothing tells, or when a task has outlasted all that told', () => {
  expect(soonestMs(pending, null, load(10, 0, 1000), 0)).toBeNull()
  expect(soonestMs(pending, 0, load(0, 0, 1000), 0)).toBeNull()
  expect(soonestMs(pending, 0, load(10, 0), 0)).toBeNull()
  expect(soonestMs(runningSince(0, 0), null, load(1, 1), 500)).toBeNull()
  expect(soonestMs(runningSince(0, 50, 1000), null, load(1, 1, 1500), 2000)).toBeNull()
})

test('a task that neither waits nor runs has no soonest end, and one that ended has none to wait for', () => {
  const asked = { ...runningSince(0, 50), status: 'awaiting_confirmation' } as TaskRecord
  expect(soonestMs(asked, null, load(1, 1, 5000), 1000)).toBeNull()
  expect(soonestMs({ finishedMs: 5 } as TaskRecord, null, load(0, 0), 9)).toBe(0)
})

test('as history goes, the soonest end never comes after the usual one and is never past', () => {
  for (let nowMs = 0; nowMs <= 2000; nowMs += 7) {
    const soonest = soonestMs(runningSince(0, 0), null, load(1, 1, ...HUNDRED), nowMs)
    if (soonest === null) expect(nowMs).toBeGreaterThanOrEqual(1990)
    else {
      expect(soonest).toBeGreaterThan(0)
      expect(soonest).toBeLessThanOrEqual(etaMs(runningSince(0, 0), null, load(1, 1, ...HUNDRED), nowMs)!)
    }
  }
})
