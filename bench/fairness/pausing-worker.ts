import { setTimeout as pause } from 'node:timers/promises'
import { defineOperation } from '@accepted/contract'
import { handle } from '@accepted/operations'
import { soleOperation } from '@accepted/worker/testing'
import { Type } from 'typebox'
import { taskMs } from './task-ms.ts'

/** A worker of ours whose only operation takes its time. */
const contract = defineOperation({
  name: 'bench.pause',
  route: 'POST /pauses',
  summary: 'A while',
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Null(),
})
const { start } = soleOperation(
  handle(contract, async () => {
    await pause(taskMs())
    return null
  }),
  { settings: { SHUTDOWN_GRACE_SECONDS: '1' } },
)
const worker = start()
process.once('SIGTERM', async () => {
  await worker.stop()
  process.exit(0)
})
await worker.ready
process.send?.({ kind: 'ready' })
