import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { type Measured, startProcess } from '../processes.ts'
import type { Receiving } from './receiving.ts'
import { TIMEOUT_SECONDS } from './sender.ts'

/** As many as our worker sends at once. */
const CONCURRENCY = 64
/** With 20,000, healthy callbacks would wait ten minutes. */
const BACKLOG = 320
const AT_ONCE = 1_000

/** A plain queue of callbacks: one job a delivery, tried again with backoff. */
export interface PlainQueue {
  add(urls: readonly string[]): Promise<void>
  /** Starts a worker. */
  begin(): Promise<void>
  close(): Promise<void>
}

export function plainQueue(redisUrl: string, name: string): PlainQueue {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
  const backoff = { type: 'exponential', delay: 5_000 }
  const queue = new Queue(name, {
    connection,
    defaultJobOptions: { attempts: 10, backoff, removeOnComplete: true },
  })
  let worker: Measured | undefined
  return {
    async add(urls) {
      for (let from = 0; from < urls.length; from += AT_ONCE) {
        await queue.addBulk(
          urls.slice(from, from + AT_ONCE).map((url) => ({ name: 'callback', data: { url } })),
        )
      }
    },
    async begin() {
      worker = await startProcess('bench/callbacks/plain-worker.ts', {
        REDIS_URL: redisUrl,
        QUEUE: name,
        CONCURRENCY: String(CONCURRENCY),
        TIMEOUT_SECONDS: String(TIMEOUT_SECONDS),
      })
      worker.child.send('go')
    },
    async close() {
      await worker?.end()
      await queue.close()
      connection.disconnect()
    },
  }
}

/** How long it takes until so many callbacks to healthy receivers have arrived, behind the backlog of a dead one. */
export async function plainQueueMs(
  redisUrl: string,
  receivers: Receiving,
  dead: string,
  burst: number,
): Promise<{ ms: number; backlog: number }> {
  const queue = plainQueue(redisUrl, 'plain-callbacks')
  await queue.add(Array.from({ length: BACKLOG }, () => dead))
  await queue.add(Array.from({ length: burst }, (_, n) => receivers.healthy[n % receivers.healthy.length]!))
  await queue.begin()
  const began = performance.timeOrigin + performance.now()
  const { lastMs } = await receivers.arrived(burst)
  await queue.close()
  return { ms: lastMs - began, backlog: BACKLOG }
}
