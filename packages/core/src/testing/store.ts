import { randomUUID } from 'node:crypto'
import { inject, onTestFinished } from 'vitest'
import {
  connectForWork,
  createLog,
  Deliveries,
  LaneJobs,
  Outbox,
  SCRIPT_SOURCES,
  type ScriptName,
  Scripts,
  Submissions,
  TaskControl,
  TaskReader,
  Upkeep,
  type UpkeepTerms,
  Work,
} from '../index.ts'

/** Terms of upkeep that a test need not spell out. */
export function terms(changes: Partial<UpkeepTerms> = {}): UpkeepTerms {
  return { retentionMs: 60_000, tombstoneMs: 60_000, maxStoredBytes: 0, ...changes }
}

/** How a test's deliveries are held. */
export const OUTBOX_TERMS = { leaseMs: 18_000, firstPauseMs: 5_000, wholeScheduleMs: 3_600_000 }

/** A prefix that no other test has. */
export function freshPrefix(): string {
  return `test-${randomUUID().slice(0, 13)}`
}

/** What a test's store may differ in. */
export interface TestStoreOptions {
  retentionMs?: number
  shards?: number
  url?: string
  /** Of another store, to share all that it keeps. */
  prefix?: string
  /** The scripts of another version. */
  sources?: ReadonlyMap<ScriptName, string>
}

/** A whole store under a prefix of its own, gone when the test is over. */
export function testStore({
  retentionMs = 60_000,
  shards = 1,
  url = inject('redisUrl'),
  prefix = freshPrefix(),
  sources = SCRIPT_SOURCES,
}: TestStoreOptions = {}) {
  const log = createLog('test', 'silent')
  const redis = connectForWork(url, log)
  const jobs = new LaneJobs(redis, prefix, log)
  const scripts = new Scripts(redis, prefix, jobs, shards, sources)
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
