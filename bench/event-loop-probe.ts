import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Loaded into a worker by --import: tells its parent, asked over IPC, for how long its event loop stood still at most. */
const RESOLUTION_MS = 5
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
setTimeout(() => delay.enable(), 2_000) // Not the start of the process.

process.on('message', (message) => {
  if (message === 'measure') process.send?.({ longestMs: delay.max / 1e6 - RESOLUTION_MS })
})
