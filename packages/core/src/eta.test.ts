import { expect, test } from 'vitest'
import { etaMs, gapMs } from './eta.ts'
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

test('between two steps the rest by progress counts down, and an overdue one is a tenth of the age', () => {
  expect(etaMs(runningSince(0, 50, 1000), null, load(1, 1), 1400)).toBe(600)
  expect(etaMs(runningSince(0, 50, 1000), null, load(1, 1), 4000)).toBe(400)
})

test('a busy lane lets one task go in every usual duration a slot', () => {
  expect(gapMs(load(4, 4, 2000))).toBe(500)
  expect(gapMs(load(0, 0, 2000))).toBeNull()
  expect(gapMs(load(4, 4))).toBeNull()
})
