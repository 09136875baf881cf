import { until } from '@accepted/core/testing'
import { type ProxyMode, startRedisProxy } from '@accepted/local-redis'
import { expect, inject, onTestFinished, test } from 'vitest'
import { mortalRedis } from './mortal-redis.ts'
import { startApp, startStack, told } from './stack.ts'

const CAR = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }),
}
type Ask = Awaited<ReturnType<typeof startStack>>['ask']
type Task = { task_id: string; status: string }

/** All that asks Redis: a task in each way, what is made, what is listed. */
function allRequests(taskId: string): [path: string, init?: RequestInit][] {
  const post = (body: unknown) => ({ ...CAR, body: JSON.stringify(body) })
  const dates = { start_date: '2021-10-01', end_date: '2021-10-02' }
  return [
    ['/tasks'],
    ['/operations'],
    [`/tasks/${taskId}`],
    [`/operations/${taskId}`],
    [`/tasks/${taskId}`, { headers: { prefer: 'wait=30' } }],
    [`/tasks/${taskId}/events`],
    [`/tasks/${taskId}/deliveries`],
    [`/tasks/${taskId}/cancel`, { method: 'POST' }],
    [`/tasks/${taskId}/confirm`, { method: 'POST' }],
    [`/tasks/${taskId}`, { method: 'DELETE' }],
    ['/endpoints'],
    ['/cars'],
    [`/cars/${taskId}`],
    ['/cars', CAR],
    ['/cars', { ...CAR, headers: { ...CAR.headers, prefer: 'wait=30' } }],
    [`/cars/${taskId}/reservations`, post({})],
    ['/orders/reports', post(dates)],
    [`/orders/reports/${taskId}`],
    ['/readyz'],
  ]
}

async function expectAllRefused(ask: Ask, taskId: string): Promise<void> {
  const asked = performance.now()
  await Promise.all(
    allRequests(taskId).map(async ([path, init]) => {
      const answer = await ask(path, init)
      expect(`${answer.status} ${answer.headers.get('retry-after')}`, path).toBe('503 1')
      await answer.body?.cancel()
    }),
  )
  // Each within 1.5 s on a machine that does nothing else: bench/outage.bench.ts.
  expect(performance.now() - asked).toBeLessThan(5_000)
}

async function listed(ask: Ask): Promise<Task[]> {
  return (await ask('/tasks?limit=200')).json() as Promise<Task[]>
}

test('whatever asks Redis is answered 503 while it is frozen, and while it is dead, and well after that', async () => {
  const redis = await mortalRedis()
  const { ask } = await startStack({ redisUrl: redis.url, workers: 0 })
  const { task_id } = (await (await ask('/cars', CAR)).json()) as Task
  redis.freeze()
  await expectAllRefused(ask, task_id)
  redis.thaw()
  await until(async () => (await ask('/tasks')).ok)
  await redis.kill()
  await expectAllRefused(ask, task_id)
  expect((await ask('/healthz')).status).toBe(200)
  await redis.revive()
  await until(async () => (await ask('/tasks')).ok)
  expect(await listed(ask)).toMatchObject([{ task_id, status: 'pending' }])
})

test('the same while nothing gets through, and while it refuses connections', async () => {
  const line = await startRedisProxy(inject('redisUrl'))
  onTestFinished(() => line.close())
  const { ask } = await startStack({ redisUrl: line.url, workers: 0 })
  const { task_id } = (await (await ask('/cars', CAR)).json()) as Task
  for (const mode of ['black hole', 'shut'] as const) {
    await line.set(mode)
    await expectAllRefused(ask, task_id)
    await line.set('open')
    await until(async () => (await ask('/tasks')).ok)
  }
  expect(await listed(ask)).toHaveLength(1)
})

test('of a thousand creates that were refused while Redis was frozen none comes alive', async () => {
  const redis = await mortalRedis()
  const { ask } = await startStack({ redisUrl: redis.url })
  await until(async () => (await ask('/readyz')).ok)
  redis.freeze()
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => ask('/cars', CAR)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
  redis.thaw()
  await until(async () => (await ask('/readyz')).ok)
  expect(await listed(ask)).toEqual([])
})

test('an API that is told to stop while Redis is silent refuses who waits, takes back their starts, and ends in order', async () => {
  const direct = await startStack({ workers: 0 })
  const line = await startRedisProxy(inject('redisUrl'))
  onTestFinished(() => line.close())
  const environment = { REDIS_URL: line.url, KEY_PREFIX: direct.prefix }
  const { ask, api } = await startStack({ workers: 0, environment })
  await until(async () => (await ask('/tasks')).ok)
  await line.set('mute')
  const starting = Promise.all(Array.from({ length: 5 }, () => ask('/cars', CAR)))
  await until(async () => (await listed(direct.ask)).length === 5)
  const accepted = (await listed(direct.ask)).map(({ task_id }) => task_id)
  expect(await api.end('SIGTERM')).toBe(0)
  for (const { status } of await starting) expect(status).toBe(503)
  // That these were taken back is among what it did not hear.
  const told = api.log.find(({ msg }) => msg === 'creates were refused, and may yet have been accepted')
  expect([...(told!.tasks as string[])].sort()).toEqual(accepted.sort())
  await until(async () => (await listed(direct.ask)).length === 0)
})

test('a start is answered 202 though the answer of Redis got lost, once the line is back; or refused, and taken back', async () => {
  const direct = await startStack({ workers: 0 })
  const line = await startRedisProxy(inject('redisUrl'))
  onTestFinished(() => line.close())
  const environment = { REDIS_URL: line.url, KEY_PREFIX: direct.prefix }
  const { ask, api } = await startStack({ workers: 0, environment })
  await until(async () => (await ask('/tasks')).ok)
  /** What a start is answered whose answer of Redis gets lost, the `tasks`-th; meanwhile the line is as `mode` says. */
  const startUnheard = async (tasks: number, mode: ProxyMode) => {
    await line.set('mute')
    const answer = ask('/cars', CAR)
    await until(async () => (await listed(direct.ask)).length === tasks)
    await line.set(mode)
    line.cut()
    return answer
  }

  const started = await startUnheard(1, 'open')
  expect(started.status).toBe(202)
  const { task_id } = (await started.json()) as Task
  expect(await listed(direct.ask)).toMatchObject([{ task_id }])

  await until(async () => (await ask('/tasks')).ok)
  expect((await startUnheard(2, 'shut')).status).toBe(503)
  expect(await listed(direct.ask)).toHaveLength(2)
  await line.set('open')
  await until(async () => (await listed(direct.ask)).length === 1)
  await until(async () => api.log.some(({ msg }) => msg === 'a refused create was accepted'))
  expect(await listed(direct.ask)).toMatchObject([{ task_id }])
})

test('API and worker start without Redis, say so, and begin to serve when it comes', async () => {
  const redis = await mortalRedis()
  await redis.kill()
  const settings = { REDIS_URL: redis.url, PORT: '0', KEY_PREFIX: 'boot' }
  const [api, worker] = [startApp('api', settings), startApp('worker', settings)]
  const { url } = await told(api)
  const readyz = async () => {
    const answer = await fetch(`${url}/readyz`)
    return { status: answer.status, detail: ((await answer.json()) as { detail?: string }).detail }
  }
  expect(await readyz()).toEqual({ status: 503, detail: 'Missing: Redis does not answer.' })
  expect((await fetch(`${url}/cars`, CAR)).status).toBe(503)
  await until(async () => worker.log.some(({ msg }) => msg === 'Redis is away'))
  await redis.revive()
  await told(worker)
  await until(async () => (await readyz()).status === 200)
})
