import { Worker } from 'node:worker_threads'

/** How often the event loop shows that it turns. */
const BEAT_MS = 250

/** What the thread beside is given. */
export interface WatchdogData {
  /** Counts the beats. */
  beats: SharedArrayBuffer
  limitMs: number
}

/**
 * Ends the process, with SIGKILL, once its event loop has stood still for so long: a handler that never yields cannot be
 * interrupted in any other way, and no task of this worker could go on. They go on elsewhere, as those of a lost worker do.
 *
 * @param limitMs at least as long as a lease, or tasks are lost that would have been kept; 0: never
 * @returns takes the watchdog away
 */
export function startWatchdog(limitMs: number): () => Promise<void> {
  if (limitMs === 0) return async () => undefined
  const beats = new SharedArrayBuffer(4)
  const counter = new Int32Array(beats)
  const beating = setInterval(() => Atomics.add(counter, 0, 1), BEAT_MS)
  const workerData: WatchdogData = { beats, limitMs }
  const thread = new Worker(new URL('./watchdog-thread.ts', import.meta.url), { workerData })
  thread.unref()
  return async () => {
    clearInterval(beating)
    await thread.terminate()
  }
}
