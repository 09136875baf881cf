import { type Claim, createLog, LaneJobs, Outbox, Scripts, Work } from '@accepted/core'
import { OUTBOX_TERMS } from '@accepted/core/testing'
import type { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'

/** A worker's hand on the tasks of a test's API: what changes, and when, is for the test to say. */
export function handWorker(redis: Redis, prefix: string) {
  const jobs = new LaneJobs(redis, prefix, createLog('test', 'silent'))
  const scripts = new Scripts(redis, prefix, jobs)
  onTestFinished(() => jobs.close())
  const work = new Work(scripts, 60_000)
  return {
    work,
    /** The deliveries of its callbacks. */
    outbox: new Outbox(scripts, { ...OUTBOX_TERMS, retentionMs: 60_000 }),
    /** Takes the next car to build. */
    async claim(): Promise<Claim> {
      const claim = await work.claim(0, 'car.build')
      if (!claim) throw new Error('no car waits')
      return claim
    },
    /** Ends a car as built. */
    async complete(claim: Claim): Promise<void> {
      const resource = '/cars/0199a1b2-6f00-7d1e-9c55-2b7d90aa31c4'
      await work.end(claim, { status: 'completed', reason: null, result: '{}', resource, error: null })
    },
    /** How many connections subscribe to a task. */
    async subscriptions(taskId: string): Promise<number> {
      const [, count] = await redis.pubsub('NUMSUB', `${scripts.prefixOf(0)}task:${taskId}`)
      return count as number
    },
  }
}
