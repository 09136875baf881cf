import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  connectForAnswers,
  connectForWork,
  createLog,
  LaneJobs,
  Scripts,
  StoreUnavailable,
  Submissions,
  TaskReader,
} from '@accepted/core'
import { type LocalRedis, startLocalRedis } from '@accepted/local-redis'
import { bounded, type Figure, ratio, seen } from './figures.ts'
import { median } from './load.ts'
import { submissionOf } from './submission.ts'

const ROUNDS = 5
const SECONDS = 2
const IN_FLIGHT = 64
const PREFIX = 'bench-durability'

/** How Redis keeps what it has acknowledged; each is switched on in a Redis that runs. */
const LEVELS = {
  'no AOF': [['appendonly', 'no']],
  everysec: [['appendfsync', 'everysec']],
  always: [['appendfsync', 'always']],
} as const
type Level = keyof typeof LEVELS

/** What each level of durability costs, and what a `kill -9` of Redis amid a load of creates takes from it. */
export async function durability(): Promise<Figure[]> {
  const rates = new Map<Level, number[]>()
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const level of Object.keys(LEVELS) as Level[]) {
      rates.set(level, [...(rates.get(level) ?? []), await createsPerSecond(level)])
    }
  }
  const rate = (level: Level) => median(rates.get(level)!)
  const [none, everysec, always] = [await killed('no AOF'), await killed('everysec'), await killed('always')]
  const lost = ({ acknowledged, missing }: Losses) =>
    `${missing.toLocaleString('en')} of ${acknowledged.toLocaleString('en')}`
  const loses = 'acknowledged creates lost by a `kill -9` of Redis'
  return [
    ratio(
      'creates with `everysec`; by hand: no AOF',
      'creates/s',
      { ours: rate('everysec'), theirs: rate('no AOF') },
      0.5,
    ),
    ratio(
      'creates with `always`; by hand: no AOF',
      'creates/s',
      { ours: rate('always'), theirs: rate('no AOF') },
      0.2,
    ),
    seen(`${loses}, no AOF`, lost(none)),
    { ...bounded(`${loses}, \`everysec\``, 'creates', everysec.missing, 0), ours: lost(everysec) },
    { ...bounded(`${loses}, \`always\``, 'creates', always.missing, 0), ours: lost(always) },
    seen(`${loses} whose replica is promoted, \`everysec\``, lost(await promoted())),
  ]
}

/** Creates from `IN_FLIGHT` clients until it is told to stop or Redis is away. Answers the ids of all that was acknowledged. */
async function load(redisUrl: string, signal: AbortSignal): Promise<string[]> {
  const log = createLog('bench', 'silent')
  const redis = connectForAnswers(redisUrl, log)
  await once(redis, 'ready')
  const jobs = new LaneJobs(redis, PREFIX, log)
  const submissions = new Submissions(new Scripts(redis, PREFIX, jobs))
  const acknowledged: string[] = []
  const client = async () => {
    while (!signal.aborted) {
      const created = await submissions.create(submissionOf('bench.noop'))
      if (created.outcome !== 'created') throw new Error(`a create was answered ${created.outcome}`)
      acknowledged.push(created.task.taskId)
    }
  }
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, client))
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
  }
  await jobs.close()
  redis.disconnect()
  return acknowledged
}

async function tell(redisUrl: string, commands: readonly (readonly string[])[]): Promise<void> {
  const redis = connectForWork(redisUrl, createLog('bench', 'silent'))
  for (const [command, ...args] of commands) await redis.call(command!, ...args)
  redis.disconnect()
}

async function startedWith(level: Level, dataDir?: string): Promise<LocalRedis> {
  const redis = await startLocalRedis(dataDir === undefined ? {} : { dataDir })
  await tell(
    redis.url,
    LEVELS[level].map((setting) => ['CONFIG', 'SET', ...setting]),
  )
  return redis
}

async function createsPerSecond(level: Level): Promise<number> {
  const redis = await startedWith(level)
  const began = performance.now()
  const { length } = await load(redis.url, AbortSignal.timeout(SECONDS * 1000))
  const seconds = (performance.now() - began) / 1000
  await redis.stop()
  return length / seconds
}

interface Losses {
  acknowledged: number
  missing: number
}

/** Loads a Redis, kills it in the middle, and counts what is missing where it goes on. */
async function lostBy(redis: LocalRedis, goOn: () => Promise<LocalRedis>): Promise<Losses> {
  const loading = load(redis.url, AbortSignal.timeout(60_000))
  await pause(SECONDS * 1000)
  process.kill(redis.pid, 'SIGKILL')
  await redis.exited
  const acknowledged = await loading
  const next = await goOn()
  const connection = connectForWork(next.url, createLog('bench', 'silent'))
  const reader = new TaskReader(new Scripts(connection, PREFIX, null))
  let missing = 0
  for (const id of acknowledged) {
    if ((await reader.read('default', id)).outcome !== 'task') missing += 1
  }
  connection.disconnect()
  await next.stop()
  return { acknowledged: acknowledged.length, missing }
}

async function killed(level: Level): Promise<Losses> {
  const dataDir = await mkdtemp(join(tmpdir(), 'accepted-durability-'))
  try {
    return await lostBy(await startedWith(level, dataDir), () => startLocalRedis({ dataDir }))
  } finally {
    await rm(dataDir, { recursive: true })
  }
}

/** The same, where a replica that followed goes on in its place. */
async function promoted(): Promise<Losses> {
  const [redis, replica] = [await startedWith('everysec'), await startedWith('everysec')]
  await tell(replica.url, [['REPLICAOF', '127.0.0.1', String(redis.port)]])
  const watching = connectForWork(replica.url, createLog('bench', 'silent'))
  while (!/master_link_status:up/.test(await watching.info('replication'))) await pause(50)
  watching.disconnect()
  return lostBy(redis, async () => {
    await tell(replica.url, [['REPLICAOF', 'NO', 'ONE']])
    return replica
  })
}
