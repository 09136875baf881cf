import { defineOperation } from '@accepted/contract'
import { connectForWork, createLog, readSettings, WorkerSettings } from '@accepted/core'
import { handle } from '@accepted/operations'
import { Type } from 'typebox'
import { startWatchdog } from '../watchdog.ts'
import { startWorker } from '../worker.ts'

/** A worker whose only operation never yields. Its watchdog waits `WATCHDOG_SECONDS`. */
const contract = defineOperation({
  name: 'test.run',
  route: 'POST /tests',
  summary: 'Blocks',
  lane: 'test',
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Null(),
})
const settings = readSettings(WorkerSettings, process.env)
const log = createLog('worker', 'info')
startWorker({
  settings,
  operations: new Map([
    [
      'test.run',
      handle(contract, async () => {
        while (Atomics);
        return null
      }),
    ],
  ]),
  redis: connectForWork(settings.REDIS_URL, log),
  subscriber: connectForWork(settings.REDIS_URL, log),
  sealer: undefined,
  version: '0',
  environment: {},
  log,
})
startWatchdog(settings.WATCHDOG_SECONDS * 1000)
