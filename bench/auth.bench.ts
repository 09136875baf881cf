import { readFile } from 'node:fs/promises'
import { ApiKeys, connectForWork, createLog, newApiKey, newId, Scripts } from '@accepted/core'
import { carStore, resourceSpace } from '@accepted/operations'
import type { Redis } from 'ioredis'
import { bounded, cost, type Figure } from './figures.ts'
import { median, requestsPerSecond, sideBySide } from './load.ts'
import { type Measured, startProcess } from './processes.ts'

const CAR = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
const JSON_BODY = { 'content-type': 'application/json' }
const TASKS = 200
const ROUNDS = 5
const SECONDS = 4
const WRONG_KEYS = 20_000
const PAIRS = 2_000
const MORE_REQUESTS_THAN_POSSIBLE = 1_000_000

/** Polls with an API key beside polls where nobody is asked, and counted by a quota beside not; what wrong keys take of Redis; ids that are another tenant's. */
export async function auth(redisUrl: string): Promise<Figure[]> {
  const redis = connectForWork(redisUrl, createLog('bench', 'warn'))
  const start = (AUTH: string, TENANT_REQUESTS: number) =>
    startProcess('apps/api/src/main.ts', {
      REDIS_URL: redisUrl,
      PORT: '0',
      KEY_PREFIX: `bench-${AUTH}`,
      AUTH,
      TENANT_REQUESTS: String(TENANT_REQUESTS),
      SHED_LOOP_DELAY_MS: '0',
    })
  const [locked, open, counted] = [
    await start('keys', 0),
    await start('none', 0),
    await start('keys', MORE_REQUESTS_THAN_POSSIBLE),
  ]
  const [lockedUrl, openUrl] = [String(locked.told.url), String(open.told.url)]
  const keys = new ApiKeys(new Scripts(redis, 'bench-keys', null))
  const headersOf = async (tenant: string) => {
    const { key } = await keys.create({ tenant, scopes: ['tasks:read', 'tasks:write'] })
    return { authorization: `Bearer ${key}` }
  }
  const [north, south] = [await headersOf('north'), await headersOf('south')]
  try {
    /** Processor time that the API takes for a poll, µs: on a busy machine steadier than polls a second. */
    const polls = async ({ child, told }: Measured, headers: Record<string, string>, paths: string[]) => {
      const before = await processorMs(child.pid!)
      const requests = paths.map((path) => ({ method: 'GET' as const, path, headers }))
      const perSecond = await requestsPerSecond({ url: String(told.url), requests }, SECONDS)
      return (((await processorMs(child.pid!)) - before) * 1000) / (perSecond * SECONDS)
    }
    const [ours, theirs] = [await tasksOf(lockedUrl, north), await tasksOf(openUrl, {})]
    const polled = await sideBySide(
      ROUNDS,
      () => polls(locked, north, ours),
      () => polls(open, {}, theirs),
    )
    const ofQuota = await sideBySide(
      ROUNDS,
      () => polls(counted, north, ours),
      () => polls(locked, north, ours),
    )
    const before = await commands(redis)
    await wrongKeys(lockedUrl)
    const each = ((await commands(redis)) - before) / WRONG_KEYS
    return [
      cost('processor time of a poll with an API key, beside `AUTH=none`', 'µs', polled, 1.2),
      cost('processor time of a poll that a quota counts, beside one that none does', 'µs', ofQuota, 1.5),
      bounded('a wrong key, each another one', 'Redis commands', each, 1.5),
      ...(await strangersTimes(lockedUrl, south, ours, await carsOf(redis))).map(([what, us]) =>
        bounded(
          `${what} of another tenant's, beside that of an unknown one: difference of the medians`,
          'µs',
          us,
          50,
        ),
      ),
    ]
  } finally {
    await Promise.all([locked.end(), open.end(), counted.end()])
    redis.disconnect()
  }
}

/** Tasks that have ended, since of others polls are paced. */
async function tasksOf(url: string, headers: Record<string, string>): Promise<string[]> {
  const init = { method: 'POST', headers: { ...JSON_BODY, ...headers }, body: CAR }
  const start = async () => {
    const path = (await fetch(`${url}/cars`, init)).headers.get('location')!
    await fetch(`${url}${path}/cancel`, { method: 'POST', headers })
    return path
  }
  return Promise.all(Array.from({ length: TASKS }, start))
}

/** What a process has taken of the processor so far, in ms, by steps of 10 (proc(5)). */
async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Requests, 64 at a time, with wrong keys of the right form that nobody has sent before. */
async function wrongKeys(url: string): Promise<void> {
  let left = WRONG_KEYS
  const client = async () => {
    while (left > 0) {
      left -= 1
      const answer = await fetch(`${url}/tasks`, { headers: { authorization: `Bearer ${newApiKey()}` } })
      await answer.arrayBuffer()
      if (answer.status !== 401) throw new Error(`a wrong key was answered ${answer.status}`)
    }
  }
  await Promise.all(Array.from({ length: 64 }, client))
}

/** Commands that Redis has done, those that scripts call too. */
async function commands(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats')
  return [...stats.matchAll(/:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0)
}

/** Paths of cars that are the tenant north's. */
async function carsOf(redis: Redis): Promise<string[]> {
  const store = carStore(resourceSpace(redis, 'bench-keys', 'north'))
  const ids = Array.from({ length: TASKS }, newId)
  const built_at = new Date().toISOString()
  for (const car_id of ids) await store.put({ car_id, ...JSON.parse(CAR), built_at })
  return ids.map((id) => `/cars/${id}`)
}

/** By how much the median answer to an id that is another tenant's takes longer or less long than to an unknown one, µs; all in turn. */
async function strangersTimes(
  url: string,
  headers: Record<string, string>,
  tasks: string[],
  cars: string[],
): Promise<[string, number][]> {
  const kinds: Record<string, [method: string, paths: string[], unknown: () => string]> = {
    'read of a task': ['GET', tasks, () => `/tasks/${newId()}`],
    'cancel of a task': ['POST', tasks.map((path) => `${path}/cancel`), () => `/tasks/${newId()}/cancel`],
    'deliveries of a task': [
      'GET',
      tasks.map((path) => `${path}/deliveries`),
      () => `/tasks/${newId()}/deliveries`,
    ],
    'read of a car': ['GET', cars, () => `/cars/${newId()}`],
  }
  const timeOf = async (method: string, path: string) => {
    const start = performance.now()
    const answer = await fetch(`${url}${path}`, { method, headers })
    await answer.arrayBuffer()
    const us = (performance.now() - start) * 1000
    if (answer.status !== 404) throw new Error(`${method} ${path} answered ${answer.status}`)
    return us
  }
  const took = Object.entries(kinds).map(([what, kind]) => ({
    what,
    kind,
    strangers: [] as number[],
    unknown: [] as number[],
  }))
  for (let n = 0; n < PAIRS; n += 1) {
    for (const { kind, strangers, unknown } of took) {
      const [method, paths, unknownPath] = kind
      const others = async () => strangers.push(await timeOf(method, paths[n % paths.length]!))
      const nobodys = async () => unknown.push(await timeOf(method, unknownPath()))
      // Neither is always the one that comes after the other.
      for (const ask of n % 2 === 0 ? [others, nobodys] : [nobodys, others]) await ask()
    }
  }
  return took.map(({ what, strangers, unknown }) => [what, Math.abs(median(strangers) - median(unknown))])
}
