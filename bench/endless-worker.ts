import { defineOperation } from '@accepted/contract'
import { connectForWork, createLog, readSettings, WorkerSettings } from '@accepted/core'
import { handle } from '@accepted/operations'
import { startWorker } from '@accepted/worker'
import { Type } from 'typebox'

/** A worker of ours whose only operation ends when it is told to; says when it was, in ms since the epoch. */
const contract = defineOperation({
  name: 'bench.endless',
  route: 'POST /endless',
  summary: 'Without end',
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Null(),
})
const settings = readSettings(WorkerSettings, { ...process.env, WORKER_CONCURRENCY: '50' })
const log = createLog('worker', 'warn')
const worker = startWorker({
  settings,
  operations: new Map([
    [
      'bench.endless',
      handle(contract, async ({ taskId, signal }) => {
        process.send?.({ kind: 'started', taskId })
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        process.send?.({ kind: 'aborted', taskId, at: performance.timeOrigin + performance.now() })
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
await worker.ready
process.send?.({ kind: 'ready' })
process.once('SIGTERM', async () => {
  await worker.stop()
  process.exit(0)
})
