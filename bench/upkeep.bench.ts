import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import {
  connectForWork,
  createLog,
  LaneJobs,
  PACE,
  SCRIPT_SOURCES,
  Scripts,
  Submissions,
  Upkeep,
  Work,
} from '@accepted/core'
import type { Redis } from 'ioredis'
import { endedTask } from './ended-task.ts'
import { expireNow } from './expire-now.ts'
import { bounded, type Figure } from './figures.ts'
import { median, p99 } from './load.ts'
import { submissionOf } from './submission.ts'

const EXPIRIES = 100_000
const TICKERS = 3
const PREFIX = 'bench-upkeep'
const RETENTION_MS = 1
const TERMS = { retentionMs: RETENTION_MS, tombstoneMs: 2_592_000_000, maxStoredBytes: 0, pace: PACE }

const NOTHING = { status: 'completed', reason: null, result: null, resource: null, error: null } as const

/** How long claims wait while three workers sweep 100,000 ended tasks of 1 KB that expire at once; and while nothing is due. */
export async function upkeep(redisUrl: string): Promise<Figure[]> {
  const [maker, client] = [connect(redisUrl), connect(redisUrl)]
  for (let n = 0; n < EXPIRIES; n += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, m) => endedTask(maker.submissions, maker.work, n + m)))
  }
  const idle = await claimsDuring(client, () => pause(5_000))

  const { redis, scripts } = maker
  await expireNow(redis, scripts.prefixOf(0))
  // When Redis rewrites its file is not of upkeep.
  await redis.config('SET', 'auto-aof-rewrite-percentage', '0')
  await redis.config('SET', 'slowlog-log-slower-than', '500', 'slowlog-max-len', '100000')
  await redis.call('SLOWLOG', 'RESET')
  const tickers = Array.from({ length: TICKERS }, () => connect(redisUrl))
  const began = performance.now()
  const swept = await claimsDuring(client, async () => {
    await Promise.all(tickers.map((ticker) => sweep(ticker)))
  })
  const tookMs = performance.now() - began
  const passes = await passesMs(redis)
  for (const { redis, jobs } of [maker, client, ...tickers]) {
    await jobs.close()
    redis.disconnect()
  }
  return [
    bounded('100,000 due expiries: a claim meanwhile waits, median', 'ms', median(swept), 20),
    bounded('… p99', 'ms', p99(swept), 20),
    bounded('… longest', 'ms', Math.max(...swept), 20),
    bounded('the same with nothing due: p99', 'ms', p99(idle), 20),
    bounded('… longest', 'ms', Math.max(...idle), 20),
    bounded('100,000 due expiries: a pass of upkeep holds Redis, p99', 'ms', p99(passes), 20),
    bounded('… longest', 'ms', Math.max(...passes), 20),
    bounded('… swept by three workers within', 's', tookMs / 1000, 60),
  ]
}

function connect(redisUrl: string) {
  const log = createLog('bench', 'warn')
  const redis = connectForWork(redisUrl, log)
  const jobs = new LaneJobs(redis, PREFIX, log)
  const scripts = new Scripts(redis, PREFIX, jobs)
  const [submissions, work] = [new Submissions(scripts), new Work(scripts, RETENTION_MS)]
  return { redis, jobs, scripts, submissions, work, upkeep: new Upkeep(scripts, jobs) }
}

/** Ticks as a worker does until nothing is due any more. */
async function sweep({ upkeep, redis, scripts }: ReturnType<typeof connect>): Promise<void> {
  const last = Math.floor(Date.now() / 60_000)
  while ((await redis.zcount(`${scripts.prefixOf(0)}expiring`, 0, last - 1)) > 0) {
    while ((await upkeep.tick(0, [], TERMS)).more) await pause(PACE.apartMs)
    await pause(100)
  }
}

/** What claims take, in ms, made one after the other while something goes on. */
async function claimsDuring(
  { submissions, work }: ReturnType<typeof connect>,
  act: () => Promise<unknown>,
): Promise<number[]> {
  const took: number[] = []
  let over = false
  const acted = act().finally(() => {
    over = true
  })
  while (!over) {
    await submissions.create(submissionOf('bench.claim'))
    const asked = performance.now()
    const claim = await work.claim(0, 'bench.claim')
    took.push(performance.now() - asked)
    if (!claim) throw new Error('nothing to claim')
    await work.end(claim, NOTHING)
  }
  await acted
  return took
}

/** How long Redis was at the passes of upkeep that took it half a millisecond or more. */
async function passesMs(redis: Redis): Promise<number[]> {
  type Entry = [id: number, at: number, micros: number, args: string[]]
  const sha = createHash('sha1').update(SCRIPT_SOURCES.get('tick')!).digest('hex')
  const log = (await redis.call('SLOWLOG', 'GET', '100000')) as Entry[]
  return log.filter(([, , , args]) => args[1] === sha).map(([, , micros]) => micros / 1000)
}
