import { randomUUID } from 'node:crypto'
import { DEFAULT_CALLBACK_EVENTS } from '@accepted/contract'
import { inject, onTestFinished } from 'vitest'
import {
  type Callback,
  connectForWork,
  createLog,
  Deliveries,
  LaneJobs,
  Outbox,
  Scripts,
  type Submission,
  type SubmissionOutcome,
  Submissions,
  TaskControl,
  TaskReader,
  Upkeep,
  type UpkeepTerms,
  Work,
} from '../index.ts'

export { type Contents, contentsOf } from './contents.ts'
export { type DnsAnswer, startDnsServer } from './dns-server.ts'
export { passTime } from './time.ts'

/** Terms of upkeep that a test need not spell out. */
export function terms(changes: Partial<UpkeepTerms> = {}): UpkeepTerms {
  return { retentionMs: 60_000, tombstoneMs: 60_000, ...changes }
}

/** How a test's deliveries are held. */
export const OUTBOX_TERMS = { leaseMs: 18_000, firstPauseMs: 5_000, wholeScheduleMs: 3_600_000 }

/** A prefix that no other test has. */
export function freshPrefix(): string {
  return `test-${randomUUID().slice(0, 13)}`
}

/** A whole store under a prefix of its own, gone when the test is over. */
export function testStore({ retentionMs = 60_000, shards = 1, url = inject('redisUrl') } = {}) {
  const log = createLog('test', 'silent')
  const redis = connectForWork(url, log)
  const prefix = freshPrefix()
  const jobs = new LaneJobs(redis, prefix, log)
  const scripts = new Scripts(redis, prefix, jobs, shards)
  onTestFinished(async () => {
    await jobs.close()
    for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1000 })) {
      if (keys.length > 0) await redis.unlink(keys)
    }
    redis.disconnect()
  })
  return {
    redis,
    prefix,
    scripts,
    jobs,
    log,
    submissions: new Submissions(scripts),
    control: new TaskControl(scripts, retentionMs, 60_000),
    reader: new TaskReader(scripts),
    work: new Work(scripts, retentionMs),
    upkeep: new Upkeep(scripts, jobs),
    deliveries: new Deliveries(scripts),
    outbox: new Outbox(scripts, { ...OUTBOX_TERMS, retentionMs }),
  }
}
export type TestStore = ReturnType<typeof testStore>

/** Lets the lease of a running task run out, as if its worker had died, and ticks. */
export async function loseWorker({ redis, scripts, upkeep }: TestStore, taskId: string): Promise<void> {
  const base = scripts.prefixOf(0)
  await redis.hset(`${base}upkeep`, { ticked: Math.floor(await scripts.now()), leases_hold_until: 0 })
  await redis.zadd(`${base}timers`, 1, `lease:${taskId}`)
  await upkeep.tick(0, [], terms())
}

/** A submission that a test need not spell out. */
export function submission(changes: Partial<Submission> = {}): Submission {
  return {
    tenant: 'default',
    operation: 'test.run',
    lane: 'test',
    priority: 3,
    head: {
      resource: '/tests',
      verb: 'POST',
      header: {},
      params: {},
      steps: ['one', 'two'],
      requestId: 'request-1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
    body: '{"n":1}',
    limits: { attempts: 3, startMs: null, runMs: 3_600_000, totalMs: null, graceMs: 5_000, confirmMs: null },
    maxBacklog: 1_000_000,
    maxQueue: Number.POSITIVE_INFINITY,
    ...changes,
  }
}

/** The same with callbacks, by default of the default events. */
export function calledBack(callback: Partial<Callback> = {}, changes: Partial<Submission> = {}): Submission {
  const usual = submission(changes)
  const given = {
    url: 'https://shop.example/hook',
    events: DEFAULT_CALLBACK_EVENTS,
    base: 'http://api.example',
  }
  return { ...usual, head: { ...usual.head, callback: { ...given, ...callback } } }
}

/** The id of a task that was created. @throws {Error} if it was not */
export function createdId(outcome: SubmissionOutcome): string {
  if (outcome.outcome !== 'created') throw new Error(`not created: ${outcome.outcome}`)
  return outcome.task.taskId
}

/** Asks until it is so. @throws {Error} after `withinMs` */
export async function until<T>(
  ask: () => Promise<T | false | null | undefined>,
  withinMs = 10_000,
): Promise<T> {
  const end = performance.now() + withinMs
  while (performance.now() < end) {
    const answer = await ask()
    if (answer) return answer
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`it did not come true within ${withinMs} ms: ${ask}`)
}
