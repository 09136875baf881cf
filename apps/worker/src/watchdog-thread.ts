import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import type { WatchdogData } from './watchdog.ts'

// Looks from a thread of its own, which goes on when the event loop of the process does not. Time counts only as far as this
// thread itself could look, so that a process that was stopped as a whole, or a machine that slept, is not taken for blocked.

const { beats, limitMs } = workerData as WatchdogData
const counter = new Int32Array(beats)
const lookMs = Math.min(500, limitMs / 4)
let seen = Atomics.load(counter, 0)
let looks = 0

setInterval(() => {
  const now = Atomics.load(counter, 0)
  looks = now === seen ? looks + 1 : 0
  seen = now
  if (looks * lookMs < limitMs) return
  // The log's own way leads through the loop that stands still.
  const line = {
    level: 60,
    time: new Date().toISOString(),
    app: 'worker',
    pid: process.pid,
    msg: `the event loop stood still for ${limitMs} ms: a handler does not yield. The process ends; its tasks go on elsewhere`,
  }
  try {
    writeSync(1, `${JSON.stringify(line)}\n`)
  } finally {
    process.kill(process.pid, 'SIGKILL')
  }
}, lookMs)
