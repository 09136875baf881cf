import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type LocalRedis, type RedisProxy, startLocalRedis, startRedisProxy } from '@accepted/local-redis'
import { bounded, type Figure } from './figures.ts'
import { p99, steadily } from './load.ts'
import { startProcess } from './processes.ts'

const PER_SECOND = 100
/** How long outages last, each: backoffs are in different places when they end. */
const OUTAGE_SECONDS = [5, 1.3, 2.7]
const JSON_BODY = { 'content-type': 'application/json' }
const CAR = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })

/** A way for Redis to be away. */
interface Outage {
  name: string
  begin(): Promise<void> | void
  end(): Promise<void> | void
}

/** How soon the API refuses while Redis is away in each way, and serves once it is back. */
export async function outage(): Promise<Figure[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'accepted-outage-'))
  const redis = { now: await startLocalRedis({ dataDir }) }
  const line = await startRedisProxy(redis.now.url)
  const api = await startProcess('apps/api/src/main.ts', {
    REDIS_URL: line.url,
    PORT: '0',
    LOG_LEVEL: 'fatal',
  })
  try {
    const figures: Figure[] = []
    for (const way of outages(redis, line, dataDir)) {
      figures.push(...(await measure(api.told.url as string, way)))
    }
    return figures
  } finally {
    await api.end()
    await line.close()
    await redis.now.stop()
    await rm(dataDir, { recursive: true })
  }
}

function outages(redis: { now: LocalRedis }, line: RedisProxy, dataDir: string): Outage[] {
  return [
    {
      name: 'frozen',
      begin: () => void process.kill(redis.now.pid, 'SIGSTOP'),
      end: () => void process.kill(redis.now.pid, 'SIGCONT'),
    },
    {
      name: 'dead',
      async begin() {
        process.kill(redis.now.pid, 'SIGKILL')
        await redis.now.exited
      },
      async end() {
        redis.now = await startLocalRedis({ dataDir, port: redis.now.port })
      },
    },
    {
      name: 'behind a network that loses all',
      begin: () => line.set('black hole'),
      end: () => line.set('open'),
    },
    { name: 'refusing connections', begin: () => line.set('shut'), end: () => line.set('open') },
  ]
}

async function measure(url: string, { name, begin, end }: Outage): Promise<Figure[]> {
  const answered: number[] = []
  let backMs = 0
  for (const seconds of OUTAGE_SECONDS) {
    await untilServed(url)
    const { task_id } = (await (await fetch(`${url}/cars`, post(CAR))).json()) as { task_id: string }
    const requests = allRequests(task_id)
    await begin()
    await steadily(PER_SECOND, seconds, async (n) => {
      const [path, init] = requests[n % requests.length]!
      const asked = performance.now()
      const answer = await fetch(url + path, init)
      await answer.arrayBuffer()
      answered.push(performance.now() - asked)
      if (answer.status !== 503 || !answer.headers.has('retry-after'))
        throw new Error(`${path} was answered ${answer.status} while Redis was ${name}`)
    })
    await end()
    const back = performance.now()
    await untilServed(url)
    backMs = Math.max(backMs, performance.now() - back)
  }
  return [
    bounded(`Redis ${name}: 503 within, p99`, 'ms', p99(answered), 1_500),
    bounded('… longest', 'ms', Math.max(...answered), 1_500),
    bounded('… serves again after it is back', 'ms', backMs, 2_000),
  ]
}

async function untilServed(url: string): Promise<void> {
  while (!(await fetch(`${url}/tasks`).then((answer) => answer.arrayBuffer().then(() => answer.ok)))) {
    await pause(10)
  }
}

function post(body: string): RequestInit {
  return { method: 'POST', headers: JSON_BODY, body }
}

/** All that asks Redis. */
function allRequests(taskId: string): [path: string, init?: RequestInit][] {
  const task = `/tasks/${taskId}`
  return [
    [task],
    [`/operations/${taskId}`],
    ['/cars', post(CAR)],
    ['/tasks'],
    [task, { headers: { prefer: 'wait=30' } }],
    ['/cars', { ...post(CAR), headers: { ...JSON_BODY, prefer: 'wait=30' } }],
    [`${task}/events`],
    ['/orders/reports', post('{"start_date":"2021-10-01","end_date":"2021-10-02"}')],
    [`${task}/cancel`, { method: 'POST' }],
    [`${task}/confirm`, { method: 'POST' }],
    [task, { method: 'DELETE' }],
    [`${task}/deliveries`],
    ['/endpoints'],
    ['/cars'],
    [`/cars/${taskId}`],
    [`/cars/${taskId}/reservations`, post('{}')],
    [`/orders/reports/${taskId}`],
    ['/readyz'],
  ]
}
