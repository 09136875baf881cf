import { durationMs } from '@accepted/contract'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** When a delivery is tried again. */
export interface Schedule {
  /** After the first attempt, the second, … */
  delaysMs: readonly number[]
  /** Up to such a part is added to each delay, so that what failed together does not come again together. */
  jitter: number
}

/** What the contract promises. */
export const PROMISED_SCHEDULE: Schedule = {
  delaysMs: [
    5 * SECOND,
    ...[5 * MINUTE, 30 * MINUTE],
    ...[2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
  ],
  jitter: 0.2,
}

/** A schedule from the setting, exactly as it says. */
export function readSchedule(
  text: string,
): { outcome: 'schedule'; schedule: Schedule } | { outcome: 'faulty'; fault: string } {
  const delaysMs: number[] = []
  for (const part of text.split(',')) {
    const delay = durationMs(part.trim())
    if (delay === undefined) {
      return {
        outcome: 'faulty',
        fault: `CALLBACK_SCHEDULE=${text}: "${part.trim()}" is no duration, such as 5s or 30m`,
      }
    }
    delaysMs.push(delay)
  }
  return { outcome: 'schedule', schedule: { delaysMs, jitter: 0 } }
}

/**
 * The delay before the next attempt; null if there is none any more.
 *
 * @param stage how many delays were used up
 * @param random 0 ≤ x < 1
 */
export function delayMsAt({ delaysMs, jitter }: Schedule, stage: number, random: number): number | null {
  const delay = delaysMs[stage]
  return delay === undefined ? null : delay * (1 + jitter * random)
}

/** How long all of it may take. */
export function wholeScheduleMs({ delaysMs, jitter }: Schedule): number {
  return delaysMs.reduce((sum, delay) => sum + delay, 0) * (1 + jitter)
}
