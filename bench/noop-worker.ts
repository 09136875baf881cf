import { defineOperation } from '@accepted/contract'
import { handle } from '@accepted/operations'
import { soleOperation } from '@accepted/worker/testing'
import { Type } from 'typebox'

/** A worker of ours whose only operation does nothing, at concurrency 50; starts to work when it is told to. */
const contract = defineOperation({
  name: 'bench.noop',
  route: 'POST /noop',
  summary: 'Nothing',
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Null(),
})
const { start } = soleOperation(
  handle(contract, async () => null),
  { settings: { WORKER_CONCURRENCY: '50', SHUTDOWN_GRACE_SECONDS: '1' } },
)

process.send?.({ kind: 'ready' })
process.once('message', () => {
  const worker = start()
  process.once('SIGTERM', async () => {
    await worker.stop()
    process.exit(0)
  })
})
