import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { taskMs } from './task-ms.ts'

/** One plain BullMQ queue for all tenants, as teams write it by hand; its tasks take as long as ours. */
const worker = new Worker(process.env.QUEUE as string, () => pause(taskMs()), {
  connection: new Redis(process.env.REDIS_URL as string, { maxRetriesPerRequest: null }),
  concurrency: Number(process.env.WORKER_CONCURRENCY),
  removeOnComplete: { count: 0 },
})
process.once('SIGTERM', async () => {
  await worker.close(true)
  process.exit(0)
})
await worker.waitUntilReady()
process.send?.({ kind: 'ready' })
