import { Worker } from 'bullmq'
import { Redis } from 'ioredis'

/** A BullMQ worker that does nothing, at concurrency 50; starts to work when it is told to. */
const connection = new Redis(process.env.REDIS_URL as string, { maxRetriesPerRequest: null })

process.send?.({ kind: 'ready' })
process.once('message', () => {
  const worker = new Worker(process.env.QUEUE as string, async () => null, {
    connection,
    concurrency: 50,
    removeOnComplete: { count: 0 },
  })
  process.once('SIGTERM', async () => {
    await worker.close()
    process.exit(0)
  })
})
