import {
  CALLBACK_LANE,
  type Callback,
  connectForWork,
  createLog,
  type Ending,
  LaneJobs,
  Scripts,
  Submissions,
  TaskControl,
  Upkeep,
  Work,
} from '@accepted/core'
import type { Redis } from 'ioredis'
import { submissionOf } from '../submission.ts'

const AT_ONCE = 200
const RETENTION_MS = 3_600_000
const MUSTANG = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
const COMPLETED: Ending = {
  status: 'completed',
  reason: null,
  result: MUSTANG,
  resource: '/bench/1',
  error: null,
}
/** No worker has this lane: its tasks are ended here. */
const OWN_LANE = 'bench.ended'

/** Where the callback of a task goes, and whose it is. */
export interface Target {
  url: string
  tenant?: string
}

/** Tasks whose ends are told. */
export interface ToldTasks {
  redis: Redis
  /** As if a worker had been there before that sends so many callbacks at once, to one receiver too. */
  recallWorker(atOnce: number): Promise<void>
  /** Begins a task that a worker carries out. */
  build(target: Target): Promise<void>
  /** Ends so many tasks here, without a worker. */
  end(targets: readonly Target[]): Promise<void>
  /** Deletes all that were ended here, their callbacks with them: the newest first, since the oldest may be under way. */
  deleteEnded(): Promise<void>
  close(): Promise<void>
}

export function toldTasks(redisUrl: string, prefix: string): ToldTasks {
  const log = createLog('bench', 'warn')
  const redis = connectForWork(redisUrl, log)
  const jobs = new LaneJobs(redis, prefix, log)
  const scripts = new Scripts(redis, prefix, jobs)
  const submissions = new Submissions(scripts)
  const work = new Work(scripts, RETENTION_MS)
  const control = new TaskControl(scripts, RETENTION_MS, RETENTION_MS)
  const ended: { tenant: string; taskId: string }[] = []
  const create = (operation: string, { url, tenant = 'default' }: Target, steps: string[], body: string) => {
    const usual = submissionOf(operation)
    const callback: Callback = { url, events: ['completed'], base: 'http://127.0.0.1' }
    return submissions.create({ ...usual, tenant, body, head: { ...usual.head, steps, callback } })
  }
  const endOne = async () => {
    const claim = (await work.claim(0, OWN_LANE))!
    await work.end(claim, COMPLETED)
    ended.push(claim.task)
  }
  const inBatches = async <T>(items: readonly T[], act: (batch: readonly T[]) => Promise<unknown>) => {
    for (let from = 0; from < items.length; from += AT_ONCE) await act(items.slice(from, from + AT_ONCE))
  }
  return {
    redis,
    async recallWorker(atOnce) {
      await new Upkeep(scripts, jobs).heartbeat(0, 'gone', { [CALLBACK_LANE]: atOnce }, 1, atOnce)
    },
    async build(target) {
      await create('car.build', target, ['stamp', 'weld', 'paint'], MUSTANG)
    },
    async end(targets) {
      await inBatches(targets, async (batch) => {
        await Promise.all(batch.map((target) => create(OWN_LANE, target, [], MUSTANG)))
        await Promise.all(batch.map(endOne))
      })
    },
    async deleteEnded() {
      await inBatches(ended.splice(0).reverse(), (batch) =>
        Promise.all(batch.map(({ tenant, taskId }) => control.delete(tenant, taskId))),
      )
    },
    async close() {
      await jobs.close()
      redis.disconnect()
    },
  }
}
