import { type Claim, createLog, LaneJobs, Outbox, Scripts, Upkeep, Work } from '@accepted/core'
import { OUTBOX_TERMS, passTime, terms } from '@accepted/core/testing'
import type { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'

/** The car that every task makes. */
export const BUILT = '/cars/0199a1b2-6f00-7d1e-9c55-2b7d90aa31c4'

/** A worker's hand on the tasks of a test's API: what changes, and when, is for the test to say. */
export function handWorker(redis: Redis, prefix: string) {
  const jobs = new LaneJobs(redis, prefix, createLog('test', 'silent'))
  const scripts = new Scripts(redis, prefix, jobs)
  onTestFinished(() => jobs.close())
  const work = new Work(scripts, 60_000)
  const upkeep = new Upkeep(scripts, jobs)
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
      await work.end(claim, { status: 'completed', reason: null, result: '{}', resource: BUILT, error: null })
    },
    /** Tells that it lives, for an hour, and how many cars it builds at once. */
    async beat(slots: number): Promise<void> {
      await upkeep.heartbeat(0, 'hand', { 'car.build': slots }, 3_600_000, 10)
    },
    /** Does what is due, as every worker does now and then. */
    async tick(): Promise<void> {
      await upkeep.tick(0, [], terms())
    },
    /** Lets time pass without waiting for it. */
    async passTime(ms: number): Promise<void> {
      await passTime({ redis, scripts }, ms)
    },
    /** How many connections subscribe to a task. */
    async subscriptions(taskId: string): Promise<number> {
      const [, count] = await redis.pubsub('NUMSUB', `${scripts.prefixOf(0)}task:${taskId}`)
      return count as number
    },
  }
}
