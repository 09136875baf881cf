import { setTimeout as pause } from 'node:timers/promises'
import { connectForWork, createLog, LaneJobs, Scripts, Submissions, TaskReader } from '@accepted/core'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { type Measured, startProcess } from '../processes.ts'
import { submissionOf } from '../submission.ts'

const PROCESSES = 2
const SLOTS_EACH = 5
/** Tasks that run at once, of all. */
export const SLOTS = PROCESSES * SLOTS_EACH
const AT_ONCE = 250
/** Of a tenant that is active beside the flood, so many tasks wait when the samples begin. */
const OTHERS_WAIT = 500
const LOOK_MS = 5

/**
 * How long the tasks of a small tenant wait until they begin, in ms, one after the other, while one tenant has a flood of tasks waiting
 * and others as many as they can run.
 */
export async function waitsBeside(
  redisUrl: string,
  { flood, others, samples }: { flood: number; others: number; samples: number },
): Promise<number[]> {
  const prefix = `bench-fairness-${others}`
  const redis = connectForWork(redisUrl, createLog('bench', 'warn'))
  const jobs = new LaneJobs(redis, prefix, createLog('bench', 'warn'))
  const scripts = new Scripts(redis, prefix, jobs)
  const [submissions, reader] = [new Submissions(scripts), new TaskReader(scripts)]
  const create = (tenant: string) => submissions.create(submissionOf('bench.pause', { tenant }))
  const fill = async (tenant: string, count: number) => {
    for (let left = count; left > 0; left -= AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => create(tenant)))
    }
  }
  await fill('flood', flood)
  for (let n = 1; n <= others; n += 1) await fill(`other${n}`, OTHERS_WAIT)
  const workers = await startWorkers('bench/fairness/pausing-worker.ts', {
    REDIS_URL: redisUrl,
    KEY_PREFIX: prefix,
  })

  const waits: number[] = []
  while (waits.length < samples) {
    // Not in step with what runs.
    await pause(Math.random() * 50)
    const made = await create('small')
    if (made.outcome !== 'created') throw new Error(made.outcome)
    for (;;) {
      await pause(LOOK_MS)
      const read = await reader.read('small', made.task.taskId)
      if (read.outcome !== 'task') throw new Error(read.outcome)
      if (read.task.finishedMs === null) continue
      waits.push(read.task.startedMs! - read.task.createdMs)
      break
    }
  }
  const lane = `${scripts.prefixOf(0)}flow:bench.pause:`
  for (const tenant of ['flood', ...Array.from({ length: others }, (_, n) => `other${n + 1}`)]) {
    if (!(await redis.exists(`${lane}${tenant}`))) throw new Error(`${tenant} ran out of tasks`)
  }
  await Promise.all(workers.map((worker) => worker.end()))
  await jobs.close()
  redis.disconnect()
  return waits
}

/** The same in one plain queue, first come, first served, behind so many that wait. */
export async function plainWaits(
  redisUrl: string,
  { flood, samples }: { flood: number; samples: number },
): Promise<number[]> {
  const name = 'plain-fairness'
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
  const queue = new Queue(name, { connection })
  const fill = async (count: number) => {
    await queue.addBulk(Array.from({ length: count }, () => ({ name: 'flood', data: { n: 1 } })))
  }
  await fill(flood)
  const workers = await startWorkers('bench/fairness/plain-worker.ts', { REDIS_URL: redisUrl, QUEUE: name })
  const waits: number[] = []
  while (waits.length < samples) {
    await fill(Math.max(0, flood - (await queue.getWaitingCount())))
    const job = await queue.add('small', { n: 1 }, { removeOnComplete: false })
    for (;;) {
      await pause(LOOK_MS)
      const { processedOn } = (await queue.getJob(job.id!))!
      if (!processedOn) continue
      waits.push(processedOn - job.timestamp)
      break
    }
  }
  await Promise.all(workers.map((worker) => worker.end()))
  await queue.close()
  connection.disconnect()
  return waits
}

function startWorkers(script: string, environment: Record<string, string>): Promise<Measured[]> {
  const settings = { ...environment, WORKER_CONCURRENCY: String(SLOTS_EACH) }
  return Promise.all(Array.from({ length: PROCESSES }, () => startProcess(script, settings)))
}
