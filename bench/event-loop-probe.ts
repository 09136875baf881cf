import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Loaded into a worker by --import: tells its parent, asked over IPC, for how long its event loop stood still at most. */
const RESOLUTION_MS = 5
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

process.on('message', (message) => {
  if (message === 'begin') delay.enable()
  if (message === 'measure') process.send?.({ longestMs: delay.max / 1e6 - RESOLUTION_MS })
})
