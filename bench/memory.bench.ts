import { connectForWork, createLog, LaneJobs, Scripts, Submissions, Upkeep, Work } from '@accepted/core'
import type { Redis } from 'ioredis'
import { endedTask } from './ended-task.ts'
import { expireNow } from './expire-now.ts'
import { bounded, type Figure } from './figures.ts'

const TASKS = 20_000
/** More than the entries that an audit trail keeps. */
const BEFORE = 11_000
const TERMS = { retentionMs: 1, tombstoneMs: 2_592_000_000, maxStoredBytes: 0 }

/** Redis's memory for an ended task of 1 KB that made a resource, and for what is left of it after its expiry. */
export async function memory(redisUrl: string): Promise<Figure[]> {
  const log = createLog('bench', 'warn')
  const redis = connectForWork(redisUrl, log)
  const jobs = new LaneJobs(redis, 'bench-memory', log)
  const scripts = new Scripts(redis, 'bench-memory', jobs)
  const submissions = new Submissions(scripts)
  const work = new Work(scripts, 1)
  const upkeep = new Upkeep(scripts, jobs)

  const prefix = scripts.prefixOf(0)
  const end = async (from: number, until: number) => {
    for (let n = from; n < until; n += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, m) => endedTask(submissions, work, n + m)))
    }
    // The jobs that nobody fetched are no part of an ended task.
    await redis.unlink(...(await redis.keys(`${prefix}bull:*`)))
  }
  const bury = async () => {
    // Expiry is swept by the minute.
    await expireNow(redis, prefix)
    while ((await upkeep.tick(0, [], TERMS)).more);
  }

  // What scripts, connections and buffers take is there before the first measurement, and a whole audit trail.
  await end(0, BEFORE)
  await bury()
  const before = await usedBytes(redis)
  await end(BEFORE, BEFORE + TASKS)
  const ended = (await usedBytes(redis)) - before
  await bury()
  const buried = (await usedBytes(redis)) - before
  await jobs.close()
  redis.disconnect()
  return [
    bounded('Redis memory per ended task of 1 KB', 'B', ended / TASKS, 2_400),
    bounded('Redis memory per tombstone', 'B', buried / TASKS, 120),
  ]
}

/** Bytes in use once Redis has settled: it shrinks its tables in the background. */
async function usedBytes(redis: Redis): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < 20; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 150))
    least = Math.min(least, Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]))
  }
  return least
}
