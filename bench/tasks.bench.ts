import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { drained, drainTasks } from './drain.ts'
import { type Figure, ratio } from './figures.ts'
import { sideBySide } from './load.ts'

const TASKS = 20_000
const ROUNDS = 5

/** No-op tasks per second at concurrency 50, from a backlog, beside a raw BullMQ worker. */
export async function tasks(redisUrl: string): Promise<Figure[]> {
  let round = 0
  const ours = () => {
    round += 1
    return drainTasks(redisUrl, `bench-tasks-${round}`, { tasks: TASKS, tenants: ['default'] })
  }
  const theirs = () => {
    round += 1
    return rawDrain(redisUrl, `raw-${round}`)
  }
  return [ratio('no-op tasks, concurrency 50', 'tasks/s', await sideBySide(ROUNDS, ours, theirs), 0.45)]
}

async function rawDrain(redisUrl: string, name: string): Promise<number> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
  const queue = new Queue(name, { connection, defaultJobOptions: { removeOnComplete: true } })
  for (let n = 0; n < TASKS; n += 1_000) {
    await queue.addBulk(Array.from({ length: 1_000 }, () => ({ name: 'noop', data: { n: 1 } })))
  }
  return drained('bench/raw-worker.ts', { REDIS_URL: redisUrl, QUEUE: name }, TASKS, async () => {
    const counts = await queue.getJobCounts('wait', 'active')
    return counts.wait === 0 && counts.active === 0
  }).finally(async () => {
    await queue.close()
    connection.disconnect()
  })
}
