import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { defineOperation } from '@accepted/contract'
import { connectForWork, createLog, readSettings, WorkerSettings } from '@accepted/core'
import { handle } from '@accepted/operations'
import { Type } from 'typebox'
import { startWatchdog } from '../watchdog.ts'
import { startWorker } from '../worker.ts'

/**
 * A worker process with an operation of the tests, in whose step 0 kills the process and 2 goes on, both when they are told to
 * and once they have said that they are there; 1 takes `STEP_MS`. They say when their signal fires, and complete with their process.
 */
const contract = defineOperation({
  name: 'test.run',
  route: 'POST /tests',
  summary: 'A trial',
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Object({ pid: Type.Integer() }),
  steps: ['one'],
  lane: 'test',
})
const { pid } = process
const operation = handle(contract, async ({ input, signal, step }) => {
  signal.addEventListener('abort', () => process.send?.('aborted'))
  await step('one', async () => {
    if (input.n === 1) return pause(Number(process.env.STEP_MS))
    process.send?.('in its step')
    await once(process, 'message')
    if (input.n === 0) process.kill(pid, 'SIGKILL')
  })
  return { pid }
})

const settings = readSettings(WorkerSettings, process.env)
const log = createLog('worker', 'info')
const worker = startWorker({
  settings,
  operations: new Map([['test.run', operation]]),
  redis: connectForWork(settings.REDIS_URL, log),
  subscriber: connectForWork(settings.REDIS_URL, log),
  sealer: undefined,
  version: '0',
  environment: {},
  log,
})
startWatchdog(settings.WATCHDOG_SECONDS * 1000)
await worker.ready
process.send?.('ready')
