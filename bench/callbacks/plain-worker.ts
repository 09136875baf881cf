import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { messageText, send } from './hand-written.ts'

/** One plain BullMQ queue of callbacks, a job each, as teams write it by hand; starts to work when it is told to. */
const connection = new Redis(process.env.REDIS_URL as string, { maxRetriesPerRequest: null })

process.send?.({ kind: 'ready' })
process.once('message', () => {
  const worker = new Worker(
    process.env.QUEUE as string,
    ({ id, data }) => send(data.url, id!, messageText()),
    {
      connection,
      concurrency: Number(process.env.CONCURRENCY),
      removeOnComplete: { count: 0 },
    },
  )
  process.once('SIGTERM', async () => {
    await worker.close(true)
    process.exit(0)
  })
})
