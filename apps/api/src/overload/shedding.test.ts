import { createLog } from '@accepted/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { OverloadLimits } from './pressure.ts'
import { PROCESS, Shedding } from './shedding.ts'

/** A process that the test makes busy, on a clock that it sets; what it logs. */
function scene() {
  const world = { nowMs: 0, memoryShare: 0.1 }
  const lines: { level: number; msg: string; refused?: object }[] = []
  const log = createLog('api', 'info', { write: (line) => void lines.push(JSON.parse(line)) })
  const probes = { nowMs: () => world.nowMs, memoryShare: () => world.memoryShare }
  const shedding = new Shedding({ loopDelayMs: 200, memoryShare: 0.8 }, log, probes)
  onTestFinished(() => shedding.close())
  /** Looks every 50 ms, each time late by so much. */
  const pass = (ms: number, lateMs = 0) => {
    for (const endMs = world.nowMs + ms; world.nowMs < endMs; ) {
      world.nowMs += 50 + lateMs
      shedding.look()
    }
  }
  return { world, shedding, pass, lines }
}

test('a loop whose turns are long sheds starts, longer ones lists, and then everything', () => {
  const { shedding, pass } = scene()
  pass(10_000, 150)
  expect(shedding.level).toBe(0)
  pass(10_000, 250)
  expect(shedding.level).toBe(1)
  expect([shedding.refuses('starts'), shedding.refuses('lists'), shedding.refuses('reads')]).toEqual([
    true,
    false,
    false,
  ])
  pass(10_000, 500)
  expect(shedding.level).toBe(2)
  pass(20_000, 1_000)
  expect(shedding.level).toBe(3)
  expect(shedding.refuses('reads')).toBe(true)
  pass(20_000)
  expect(shedding.level).toBe(0)
  expect(shedding.refuses('starts')).toBe(false)
  expect(shedding.refused).toEqual({ starts: 1, lists: 0, reads: 1 })
})

test('a process that stood still once, as when its machine slept, refuses some starts at most, and soon none', () => {
  const { shedding, pass } = scene()
  pass(1_000)
  pass(1, 3_600_000)
  expect(shedding.level).toBe(0.5)
  pass(2_000)
  expect(shedding.level).toBeLessThan(0.6)
  pass(3_000)
  expect(shedding.level).toBe(0)
})

/**
 * A process that can bear a start a millisecond, and is asked for more by 1,000 clients that each wait for their answer.
 *
 * @param times as many starts as it can bear
 * @returns the share of what it can bear that it accepts, and how long a turn of its event loop lasts on the average of all time, ms
 */
function flooded(times: number): { accepted: number; turnMs: number } {
  const { world, shedding } = scene()
  let [accepted, due, squares] = [0, 0, 0]
  let turnMs = 1
  let lookedMs = 0
  while (world.nowMs < 60_000) {
    due = Math.min(1_000, due + times * turnMs)
    turnMs = 1
    for (; due >= 1; due -= 1) {
      const isRefused = shedding.refuses('starts')
      turnMs += isRefused ? 0.2 : 1
      if (!isRefused) accepted += 1
    }
    world.nowMs += turnMs
    squares += turnMs ** 2
    if (world.nowMs - lookedMs < 50) continue
    lookedMs = world.nowMs
    shedding.look()
  }
  return { accepted: accepted / world.nowMs, turnMs: squares / world.nowMs }
}

test.each([
  [0.9, 0.89, 10],
  [1.2, 0.85, 250],
  [2, 0.55, 300],
  [3, 0.45, 300],
])(
  'asked for %d times as many starts as it can bear it accepts what it can, and does not get slow',
  (times, least, longestMs) => {
    const { accepted, turnMs } = flooded(times)
    expect(accepted).toBeGreaterThanOrEqual(least)
    expect(turnMs).toBeLessThanOrEqual(longestMs)
  },
)

test('of a share that is refused each so many-th is', () => {
  const { world, shedding, pass } = scene()
  world.memoryShare = 0.95
  pass(200)
  expect(shedding.level).toBeCloseTo(0.4)
  const refused = Array.from({ length: 10 }, () => shedding.refuses('starts'))
  expect(refused.map(Number).join('')).toBe('0010100101')
  expect(shedding.refuses('reads')).toBe(false)
})

test('the log says that it is overloaded once a minute at most, and when that is over', () => {
  const { world, pass, lines } = scene()
  for (let n = 0; n < 5; n += 1) {
    world.memoryShare = 0.9
    pass(3_000)
    world.memoryShare = 0.1
    pass(5_000)
  }
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    [40, 'overloaded: requests are refused'],
    [30, 'not overloaded any more'],
  ])
  pass(60_000)
  world.memoryShare = 0.9
  pass(3_000)
  expect(lines).toHaveLength(3)
})

test('it looks by itself, twenty times a second, unless nothing is limited', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const looksIn = (limits: OverloadLimits) => {
    let looks = 0
    const memoryShare = () => {
      looks += 1
      return 0
    }
    const probes = { nowMs: () => performance.now(), memoryShare }
    const shedding = new Shedding(limits, createLog('api', 'silent'), probes)
    vi.advanceTimersByTime(1_000)
    shedding.close()
    vi.advanceTimersByTime(1_000)
    return looks
  }
  expect(looksIn({ loopDelayMs: 200, memoryShare: 1 })).toBe(20)
  expect(looksIn({ loopDelayMs: 0, memoryShare: 0.9 })).toBe(20)
  expect(looksIn({ loopDelayMs: 0, memoryShare: 1 })).toBe(0)
})

test('what this process has of its memory is a share', () => {
  expect(PROCESS.memoryShare()).toBeGreaterThan(0)
  expect(PROCESS.memoryShare()).toBeLessThan(1)
})
