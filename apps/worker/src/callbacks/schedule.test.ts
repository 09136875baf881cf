import { expect, test } from 'vitest'
import { delayMsAt, PROMISED_SCHEDULE, readSchedule, wholeScheduleMs } from './schedule.ts'

const HOUR = 3_600_000

test('the delays are those of the contract, each up to 20 % longer, nine in all', () => {
  const exact = Array.from({ length: 10 }, (_, stage) => delayMsAt(PROMISED_SCHEDULE, stage, 0))
  expect(exact).toEqual([
    ...[5_000, 300_000, 1_800_000],
    ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR),
    null,
  ])
  expect(delayMsAt(PROMISED_SCHEDULE, 1, 0.5)).toBeCloseTo(330_000)
  expect(delayMsAt(PROMISED_SCHEDULE, 1, 0.999)).toBeLessThan(360_000)
  expect(wholeScheduleMs(PROMISED_SCHEDULE)).toBeCloseTo(1.2 * (75 * HOUR + 2_105_000))
})

test('a schedule that is set is taken as it is', () => {
  const read = readSchedule('100ms, 2s,1h')
  if (read.outcome === 'faulty') throw new Error(read.fault)
  expect([0, 1, 2, 3].map((stage) => delayMsAt(read.schedule, stage, 0.9))).toEqual([100, 2_000, HOUR, null])
})

test.each(['5', '5s,', 'soon', '-1s', '5s;5m'])('the schedule "%s" is a fault, told in words', (text) => {
  const read = readSchedule(text)
  expect(read).toMatchObject({
    outcome: 'faulty',
    fault: expect.stringContaining(`CALLBACK_SCHEDULE=${text}: `),
  })
})
