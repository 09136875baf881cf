import { defineOperation } from '@accepted/contract'
import { handle } from '@accepted/operations'
import { soleOperation } from '@accepted/worker/testing'
import { Type } from 'typebox'

/** A worker of ours whose only operation ends when it is told to; says when it was, in ms since the epoch. */
const contract = defineOperation({
  name: 'bench.endless',
  route: 'POST /endless',
  summary: 'Without end',
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Null(),
})
const operation = handle(contract, async ({ taskId, signal }) => {
  process.send?.({ kind: 'started', taskId })
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  process.send?.({ kind: 'aborted', taskId, at: performance.timeOrigin + performance.now() })
  return null
})
const worker = soleOperation(operation, { settings: { WORKER_CONCURRENCY: '50' } }).start()
await worker.ready
process.send?.({ kind: 'ready' })
process.once('SIGTERM', async () => {
  await worker.stop()
  process.exit(0)
})
