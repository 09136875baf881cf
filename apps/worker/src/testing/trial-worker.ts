import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { defineOperation } from '@accepted/contract'
import { handle } from '@accepted/operations'
import { Type } from 'typebox'
import { startWatchdog } from '../watchdog.ts'
import { soleOperation } from './sole-operation.ts'

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
  settings: Type.Object({
    STEP_MS: Type.Integer({ minimum: 0, default: 0, description: 'How long the step of 1 takes' }),
  }),
})
const { pid } = process
const operation = handle(contract, async ({ input, settings, signal, step }) => {
  signal.addEventListener('abort', () => process.send?.('aborted'))
  await step('one', async () => {
    if (input.n === 1) return pause(settings.STEP_MS)
    process.send?.('in its step')
    await once(process, 'message')
    if (input.n === 0) process.kill(pid, 'SIGKILL')
  })
  return { pid }
})

const { settings, start } = soleOperation(operation, { level: 'info' })
startWatchdog(settings.WATCHDOG_SECONDS * 1000)
await start().ready
process.send?.('ready')
