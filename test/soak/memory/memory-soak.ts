import { setTimeout as pause } from 'node:timers/promises'
import { connectForWork, createLog } from '@accepted/core'
import { Pool } from 'undici'
import { judgeMemory, type MemorySample, type MemoryVerdict } from './judge-memory.ts'
import { startMeasuredApp } from './measured-app.ts'

const RETENTION_SECONDS = 30
const TOMBSTONE_SECONDS = 60
/** Expiry is swept by the minute. */
const SWEPT_WITHIN_SECONDS = 60
const STEADY_FROM_MS = (RETENTION_SECONDS + SWEPT_WITHIN_SECONDS + TOMBSTONE_SECONDS) * 1000
const MAX_STORED_BYTES = 64 * 1024 * 1024
const CLIENTS = 64
/** The clients go no further ahead of the worker. */
const MAX_QUEUE = 2_000
/** Of so many starts one waits for its end, through all that tells of changes. */
const WAITING_EVERY = 50
const LOOK_EVERY_MS = 1_000
const SETTLED_WITHIN_MS = 60_000

export interface MemorySoakReport extends MemoryVerdict {
  samples: MemorySample[]
  tasksPerSecond: number
  created: number
  ended: number
  expired: { age: number; bytes: number }
}

/**
 * Starts small tasks over HTTP, as fast as they are done: API and worker as they are delivered, one of each, and reads of one
 * car as tasks, which make nothing that stays. Meanwhile looks at the memory of all three.
 */
export async function memorySoak(
  redisUrl: string,
  tasks: number,
  say: (words: string) => void,
): Promise<MemorySoakReport> {
  const environment = {
    REDIS_URL: redisUrl,
    KEY_PREFIX: 'soak-memory',
    RETENTION_SECONDS: String(RETENTION_SECONDS),
    TOMBSTONE_SECONDS: String(TOMBSTONE_SECONDS),
    MAX_STORED_BYTES: String(MAX_STORED_BYTES),
    WORKER_CONCURRENCY: '50',
    CAR_STEP_MS: '1',
    PORT: '0',
  }
  const [api, worker] = await Promise.all([
    startMeasuredApp('api', environment),
    startMeasuredApp('worker', environment),
  ])
  const redis = connectForWork(redisUrl, createLog('soak', 'warn'))
  const pool = new Pool(api.told.url as string, { connections: CLIENTS })
  try {
    const path = await builtCar(pool)
    const samples: MemorySample[] = []
    const load = { accepted: 0 }
    const began = performance.now()
    const look = async () => {
      const memory = await redis.info('memory')
      samples.push({
        atMs: performance.now() - began,
        tasks: load.accepted,
        redisBytes: Number(/^used_memory:(\d+)/m.exec(memory)?.[1]),
        apiBytes: api.memory().rss,
        workerBytes: worker.memory().rss,
      })
      if (samples.length % 30 === 0) say(`${lineOf(samples.at(-1)!)}, heaps ${heaps()}`)
    }
    const heaps = () => [api, worker].map((app) => megabytes(app.memory().heapUsed)).join(' and ')
    const starting = new AbortController()
    const looking = (async () => {
      while (!starting.signal.aborted) {
        await look()
        await pause(LOOK_EVERY_MS)
      }
    })()
    await startTasks(pool, path, tasks, load)
    starting.abort()
    await looking
    const seconds = (performance.now() - began) / 1000
    const figures = await settledFigures(pool, tasks)
    return {
      ...judgeMemory(samples, STEADY_FROM_MS),
      samples,
      tasksPerSecond: tasks / seconds,
      ...figures,
    }
  } finally {
    await pool.close()
    redis.disconnect()
    await Promise.all([api.end(), worker.end()])
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function lineOf({ atMs, tasks, redisBytes, apiBytes, workerBytes }: MemorySample): string {
  const [redis, api, worker] = [redisBytes, apiBytes, workerBytes].map(megabytes)
  return `${Math.round(atMs / 1000)} s, ${tasks} tasks: Redis ${redis}, API ${api}, worker ${worker}`
}

/** Where the car is that all tasks read. */
async function builtCar(pool: Pool): Promise<string> {
  const { headers, body } = await pool.request({
    method: 'POST',
    path: '/cars',
    headers: { 'content-type': 'application/json', prefer: 'wait=30' },
    body: JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }),
  })
  await body.dump()
  const path = String(headers.location)
  if (!path.startsWith('/cars/')) throw new Error('no car was built')
  return path
}

async function startTasks(
  pool: Pool,
  path: string,
  tasks: number,
  load: { accepted: number },
): Promise<void> {
  let next = 0
  const start = async (nth: number) => {
    const prefer = nth % WAITING_EVERY === 0 ? 'respond-async, wait=10' : 'respond-async'
    for (;;) {
      const { statusCode, body } = await pool.request({
        method: 'GET',
        path,
        headers: { prefer, 'max-queue': String(MAX_QUEUE) },
      })
      await body.dump()
      if (statusCode === 202 || statusCode === 200) return
      if (statusCode !== 503) throw new Error(`a start was answered ${statusCode}`)
      await pause(50)
    }
  }
  const client = async () => {
    while (next < tasks) {
      next += 1
      await start(next)
      load.accepted += 1
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
}

/** What the API says of the tasks once all have ended. @throws {Error} if some have not in time */
async function settledFigures(pool: Pool, tasks: number) {
  const until = performance.now() + SETTLED_WITHIN_MS
  for (;;) {
    const { body } = await pool.request({ method: 'GET', path: '/metrics' })
    const text = await body.text()
    const sum = (name: string) =>
      [...text.matchAll(new RegExp(`^${name} (\\d+)$`, 'gm'))].reduce((all, [, n]) => all + Number(n), 0)
    const created = sum('accepted_tasks_created_total\\{operation="car\\.read"\\}')
    const ended = sum('accepted_tasks_ended_total\\{operation="car\\.read",status="completed",reason=""\\}')
    const expired = {
      age: sum('accepted_tasks_expired_total\\{cause="age"\\}'),
      bytes: sum('accepted_tasks_expired_total\\{cause="bytes"\\}'),
    }
    if (ended >= tasks) return { created, ended, expired }
    if (performance.now() > until) throw new Error(`only ${ended} of ${tasks} tasks have completed`)
    await pause(500)
  }
}
