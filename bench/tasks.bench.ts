import { connectForWork, createLog, LaneJobs, Scripts, Submissions } from '@accepted/core'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { type Figure, ratio } from './figures.ts'
import { sideBySide } from './load.ts'
import { startProcess } from './processes.ts'
import { submissionOf } from './submission.ts'

const TASKS = 20_000
const ROUNDS = 5

/** No-op tasks per second at concurrency 50, from a backlog, beside a raw BullMQ worker. */
export async function tasks(redisUrl: string): Promise<Figure[]> {
  let round = 0
  const ours = () => {
    round += 1
    return ourDrain(redisUrl, `bench-tasks-${round}`)
  }
  const theirs = () => {
    round += 1
    return rawDrain(redisUrl, `raw-${round}`)
  }
  return [ratio('no-op tasks, concurrency 50', 'tasks/s', await sideBySide(ROUNDS, ours, theirs), 0.45)]
}

async function ourDrain(redisUrl: string, prefix: string): Promise<number> {
  const log = createLog('bench', 'warn')
  const redis = connectForWork(redisUrl, log)
  const jobs = new LaneJobs(redis, prefix, log)
  const scripts = new Scripts(redis, prefix, jobs)
  const submissions = new Submissions(scripts)
  for (let n = 0; n < TASKS; n += 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, () => submissions.create(submissionOf('bench.noop'))))
  }
  await jobs.close()
  return drained('bench/noop-worker.ts', { REDIS_URL: redisUrl, KEY_PREFIX: prefix }, async () => {
    const base = scripts.prefixOf(0)
    const waiting = await redis.hget(`${base}lane:bench.noop`, 'waiting')
    return waiting === '0' && (await redis.exists(`${base}running:bench.noop`)) === 0
  }).finally(() => redis.disconnect())
}

async function rawDrain(redisUrl: string, name: string): Promise<number> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
  const queue = new Queue(name, { connection, defaultJobOptions: { removeOnComplete: true } })
  for (let n = 0; n < TASKS; n += 1_000) {
    await queue.addBulk(Array.from({ length: 1_000 }, () => ({ name: 'noop', data: { n: 1 } })))
  }
  return drained('bench/raw-worker.ts', { REDIS_URL: redisUrl, QUEUE: name }, async () => {
    const counts = await queue.getJobCounts('wait', 'active')
    return counts.wait === 0 && counts.active === 0
  }).finally(async () => {
    await queue.close()
    connection.disconnect()
  })
}

/** Tasks per second from the moment that the worker is up until nothing is left. */
async function drained(
  script: string,
  environment: Record<string, string>,
  empty: () => Promise<boolean>,
): Promise<number> {
  const worker = await startProcess(script, environment)
  const start = performance.now()
  worker.child.send('go')
  while (!(await empty())) await new Promise((resolve) => setTimeout(resolve, 5))
  const seconds = (performance.now() - start) / 1000
  await worker.end()
  return TASKS / seconds
}
