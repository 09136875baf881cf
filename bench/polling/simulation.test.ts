import { seeded } from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { type Client, poll } from './clients.ts'
import { isInTime, isKnown, type Run, runOf, simulate, summarize } from './simulation.ts'
import { makeTask } from './tasks.ts'

const runs = simulate(150)
const allOf = (run: Run) => summarize(run.buckets.flat())
const obeying = runs.filter(({ client }) => client === 'Retry-After')
const nameOf = ({ history, progress }: Run) => `durations: ${history}, progress: ${progress}`

test.each(obeying.map((run) => [nameOf(run), run] as const))(
  'over all lengths half of the clients that obey see the end in time with 8 polls (%s)',
  (_name, run) => {
    const { polls, inTime } = allOf(run)
    expect(polls.median).toBeLessThanOrEqual(8)
    expect(inTime).toBeGreaterThanOrEqual(0.5)
  },
)

test.each(obeying.filter(isKnown).map((run) => [nameOf(run), run] as const))(
  'where durations are known, that holds at every length (%s)',
  (_name, { buckets }) => {
    for (const { polls, inTime } of buckets.map(summarize)) {
      expect(polls.median).toBeLessThanOrEqual(8)
      expect(inTime).toBeGreaterThanOrEqual(0.5)
    }
  },
)

test('where durations are alike, nine of ten ends are seen in time', () => {
  for (const history of ['σ 0.1', 'two kinds'] as const) {
    expect(allOf(runOf(runs, 'Retry-After', history)).inTime).toBeGreaterThan(0.9)
  }
})

test('smooth progress alone shows every end in time', () => {
  expect(allOf(runOf(runs, 'Retry-After', 'none', 'smooth')).inTime).toBeGreaterThan(0.99)
})

test('a run is the same whenever it is made, and clients are given tasks of the same lengths', () => {
  expect(simulate(2)).toEqual(simulate(2))
  const lengths = ({ buckets }: Run) => buckets.flat().map(({ lengthMs }) => lengthMs)
  expect(lengths(runOf(runs, 'every 5 s'))).toEqual(lengths(runOf(runs, 'Retry-After', 'σ 1', 'smooth')))
})

test('a client polls until the end is past, and its lag is the time since', () => {
  const task = makeTask(seeded(1), 7_500, 'none', 'none')
  const client: Client = (_task, _nowMs, polls) => 1_000 * 2 ** polls
  expect(poll(task, client)).toEqual({ lengthMs: 7_500, polls: 4, lagMs: 7_500 })
  expect(poll(task, () => 5_000)).toEqual({ lengthMs: 7_500, polls: 2, lagMs: 2_500 })
})

test('in time is within a second or a fifth of the duration, whichever is more', () => {
  const late = (lengthMs: number, lagMs: number) => isInTime({ lengthMs, polls: 1, lagMs })
  expect([late(200, 1_000), late(200, 1_001), late(60_000, 12_000), late(60_000, 12_001)]).toEqual([
    true,
    false,
    true,
    false,
  ])
})

test('progress tells what it reached and when', () => {
  const task = makeTask(seeded(1), 10_000, 'none', 'smooth')
  expect(task.progressAt(4_275)).toEqual({ percent: 42, movedMs: 4_200 })
})

test('a task of a lane with a queue begins when all before it have begun, and its wait is part of its length', () => {
  const task = makeTask(seeded(5), 60_000, 'σ 0.3, queue', 'smooth')
  expect(task.aheadAt(0)).toBeGreaterThan(0)
  expect(task.aheadAt(task.beganMs - 1)).toBe(0)
  expect(task.beganMs).toBeLessThan(60_000)
  expect(task.progressAt(task.beganMs).percent).toBe(0)
})
