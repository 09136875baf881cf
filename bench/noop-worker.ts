import { defineOperation } from '@accepted/contract'
import { connectForWork, createLog, readSettings, WorkerSettings } from '@accepted/core'
import { handle } from '@accepted/operations'
import { startWorker } from '@accepted/worker'
import { Type } from 'typebox'

/** A worker of ours whose only operation does nothing, at concurrency 50; starts to work when it is told to. */
const contract = defineOperation({
  name: 'bench.noop',
  route: 'POST /noop',
  summary: 'Nothing',
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Null(),
})
const settings = readSettings(WorkerSettings, {
  ...process.env,
  WORKER_CONCURRENCY: '50',
  SHUTDOWN_GRACE_SECONDS: '1',
})
const log = createLog('worker', 'warn')
const redis = connectForWork(settings.REDIS_URL, log)
const subscriber = connectForWork(settings.REDIS_URL, log)
const operations = new Map([['bench.noop', handle(contract, async () => null)]])

process.send?.({ kind: 'ready' })
process.once('message', () => {
  const worker = startWorker({
    settings,
    operations,
    redis,
    subscriber,
    sealer: undefined,
    version: '0',
    environment: {},
    log,
  })
  process.once('SIGTERM', async () => {
    await worker.stop()
    process.exit(0)
  })
})
