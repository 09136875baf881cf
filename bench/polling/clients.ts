import { retryAfterSeconds, waitSeconds } from '@accepted/api/retry-after'
import { soonestMs, type TaskRecord } from '@accepted/core'
import { type SimulatedTask, SLOTS } from './tasks.ts'

/** How long a client waits before it asks again, ms; `polls` is how often it has asked, 0 after the start's answer. */
export type Client = (task: SimulatedTask, nowMs: number, polls: number) => number

/** What a client had of a task: the polls it took to see the end, and how late it saw it, ms. */
export interface Seen {
  lengthMs: number
  polls: number
  lagMs: number
}

const BOUNDS = { minSeconds: 1, maxSeconds: 600 }

/** Those that are compared: one obeys the product's `Retry-After`, the others do not look at it. */
export const CLIENTS = {
  'Retry-After': obey,
  'every 1 s': () => 1_000,
  'every 5 s': () => 5_000,
  'every 10 s': () => 10_000,
  'backoff 1–60 s': (_task, _nowMs, polls) => Math.min(2 ** polls, 60) * 1_000,
} satisfies Record<string, Client>

/** Polls a task to its end on a clock of its own; answers take no time. */
export function poll(task: SimulatedTask, client: Client): Seen {
  let nowMs = 0
  let polls = 0
  while (nowMs < task.lengthMs) {
    nowMs += client(task, nowMs, polls)
    polls += 1
  }
  return { lengthMs: task.lengthMs, polls, lagMs: nowMs - task.lengthMs }
}

/** Waits as the product says, by the record and the lane that it would have. */
function obey(task: SimulatedTask, nowMs: number): number {
  const { beganMs, recentMs } = task
  const load = { running: SLOTS, slots: SLOTS, recentMs }
  const waits = nowMs < beganMs
  const { percent, movedMs } = waits ? { percent: 0, movedMs: 0 } : task.progressAt(nowMs)
  const record = {
    status: waits ? 'pending' : 'running',
    finishedMs: null,
    beganMs: waits ? null : beganMs,
    updatedMs: movedMs,
    progress: percent,
  } as TaskRecord
  const soonest = soonestMs(record, waits ? task.aheadAt(nowMs) : null, load, nowMs)
  return retryAfterSeconds(waitSeconds(soonest, nowMs), BOUNDS) * 1_000
}
