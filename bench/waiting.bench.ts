import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { connectForWork, createLog, LaneJobs, Scripts, TaskControl } from '@accepted/core'
import type { Redis } from 'ioredis'
import { bounded, type Figure } from './figures.ts'
import { type Measured, startProcess } from './processes.ts'

const CLIENTS = 2_000
const STREAMS = 500
const QUIET_MS = 5_000
const PREFIX = 'bench-waiting'
const CAR = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })

/** Clients that wait at one API process: what they take of it and of Redis, and how soon they hear of a change. */
export async function waiting(redisUrl: string): Promise<Figure[]> {
  const api = await startProcess('apps/api/src/main.ts', {
    REDIS_URL: redisUrl,
    PORT: '0',
    KEY_PREFIX: PREFIX,
    MAX_CONNECTIONS_PER_ADDRESS: String(CLIENTS + STREAMS + 1_000),
  })
  const url = String(api.told.url)
  const log = createLog('bench', 'warn')
  const redis = connectForWork(redisUrl, log)
  const jobs = new LaneJobs(redis, PREFIX, log)
  const scripts = new Scripts(redis, PREFIX, jobs)
  const control = new TaskControl(scripts, 3_600_000, 3_600_000)
  const cancel = (taskId: string) => control.cancel('default', taskId)
  const watched = () => redis.pubsub('CHANNELS', `${scripts.prefixOf(0)}task:*`)
  const allWatched = async (count: number) => {
    while ((await watched()).length !== count) await pause(10)
  }

  // What connections and the compiler take is there before the first measurement.
  const warm = (await startCars(url, 200)).map((taskId) => wait(url, taskId))
  await allWatched(warm.length)
  for (const { taskId } of warm) await cancel(taskId)
  await Promise.all(warm.map(({ answered }) => answered))

  const taskIds = await startCars(url, CLIENTS)
  const before = await residentMb(api)
  const waits = taskIds.map((taskId) => wait(url, taskId))
  await allWatched(CLIENTS)
  const added = (await residentMb(api)) - before
  const commands = await commandsPerSecond(redis)

  const took: number[] = []
  for (const { taskId, answered } of waits) {
    const start = performance.now()
    await cancel(taskId)
    took.push((await answered) - start)
  }

  const [one] = (await startCars(url, 1)) as [string]
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => open(url, `/tasks/${one}/events`)))
  await allWatched(1)
  const [, subscriptions] = await redis.pubsub('NUMSUB', `${scripts.prefixOf(0)}task:${one}`)
  for (const stream of streams) stream.resume()
  await cancel(one)
  await Promise.all(streams.map((stream) => once(stream, 'end')))

  await jobs.close()
  redis.disconnect()
  await api.end()
  const clients = `${CLIENTS.toLocaleString('en')} waiting clients`
  return [
    bounded(`${clients}: memory added to the API`, 'MB', added, 100),
    bounded('… Redis commands while nothing changes', '/s', commands, 1),
    bounded('… from a change to its answer, p99', 'ms', took.sort((a, b) => a - b)[CLIENTS * 0.99 - 1]!, 50),
    bounded(`${STREAMS} streams of one task`, 'subscriptions', subscriptions as number, 1),
  ]
}

async function startCars(url: string, count: number): Promise<string[]> {
  const taskIds: string[] = []
  while (taskIds.length < count) {
    const answers = await Promise.all(
      Array.from({ length: Math.min(100, count - taskIds.length) }, () =>
        fetch(`${url}/cars`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: CAR }),
      ),
    )
    const tasks = await Promise.all(answers.map((answer) => answer.json() as Promise<{ task_id: string }>))
    taskIds.push(...tasks.map(({ task_id }) => task_id))
  }
  return taskIds
}

/** Every client has a connection of its own. */
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })

async function open(url: string, path: string, headers = {}): Promise<IncomingMessage> {
  const [stream] = (await once(get(`${url}${path}`, { agent, headers }), 'response')) as [IncomingMessage]
  return stream
}

/** Waits for a change of a task; `answered` resolves to the moment at which the answer has come. */
function wait(url: string, taskId: string) {
  const answered = open(url, `/tasks/${taskId}`, { prefer: 'wait=60' }).then(async (stream) => {
    const at = performance.now()
    if (stream.statusCode !== 200) throw new Error(`a wait was answered ${stream.statusCode}`)
    await once(stream.resume(), 'end')
    return at
  })
  return { taskId, answered }
}

/** What the process has in memory once it has settled. */
async function residentMb({ child }: Measured): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < 20; look += 1) {
    await pause(100)
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    least = Math.min(least, Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024)
  }
  return least
}

/** What all clients together ask of Redis, but for these questions. */
async function commandsPerSecond(redis: Redis): Promise<number> {
  const count = async () => Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))![1])
  const before = await count()
  await pause(QUIET_MS)
  return ((await count()) - before - 1) / (QUIET_MS / 1000)
}
