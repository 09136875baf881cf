import { checkedFetch, fetchDocument } from '@accepted/api/testing'
import { connectForWork, createLog } from '@accepted/core'
import { until } from '@accepted/core/testing'
import { startLocalRedis } from '@accepted/local-redis'
import { expect, inject, onTestFinished, test } from 'vitest'
import { mortalRedis } from './mortal-redis.ts'
import { type Stack, startStack, told } from './stack.ts'

const CAR = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }),
}
type Ask = Stack['ask']
type Task = { task_id: string; status: string; version: number; reason: string | null }

const startCar = (ask: Ask, prefer = '') => ask('/cars', { ...CAR, headers: { ...CAR.headers, prefer } })
const task = async (answer: Response | Promise<Response>) => (await (await answer).json()) as Task
const wait = (ask: Ask, { task_id }: Task, seconds: number, tag = '') =>
  ask(`/tasks/${task_id}`, {
    headers: { prefer: `wait=${seconds}`, ...(tag ? { 'if-none-match': tag } : {}) },
  })

/** Two APIs and their workers. */
async function startTwo(options: Parameters<typeof startStack>[0] = {}) {
  const stack = await startStack({ workers: 2, ...options })
  const other = stack.startApi()
  const url = (await told(other)).url as string
  return { ...stack, other: checkedFetch(await fetchDocument(url), url) }
}

/** Resolves once somebody waits for a task. */
async function watched({ task_id }: Task): Promise<void> {
  const redis = connectForWork(inject('redisUrl'), createLog('test', 'silent'))
  onTestFinished(() => redis.disconnect())
  await until(async () => (await redis.pubsub('CHANNELS', `*task:${task_id}`)).length === 1)
}

test('a start that waits is answered with the car', async () => {
  const { ask } = await startTwo()
  const answer = await startCar(ask, 'wait=60')
  expect(answer.status).toBe(303)
  expect(answer.headers.get('preference-applied')).toBe('wait=60')
  const car = answer.headers.get('location')!
  expect(await (await ask(car)).json()).toMatchObject({ brand: 'Ford' })

  // What may answer at once does, unless it is to be a task; that one makes no resource.
  const immediate = await ask(car, { headers: { prefer: 'wait=60' } })
  expect([immediate.status, immediate.headers.get('preference-applied')]).toEqual([200, null])
  const read = await ask(car, { headers: { prefer: 'respond-async, wait=60' } })
  expect([read.status, read.headers.get('preference-applied')]).toEqual([200, 'respond-async, wait=60'])
  expect(await read.json()).toMatchObject({ operation: 'car.read', result: { brand: 'Ford' } })
})

test('a wait at one API hears what others do: versions follow each other to the end', async () => {
  const { ask, other } = await startTwo({ environment: { CAR_STEP_MS: '100' } })
  const started = await task(startCar(other))
  const versions = [started.version]
  let answer: Response
  let tag = `W/"${started.version}-monitor"`
  do {
    answer = await wait(ask, started, 60, tag)
    tag = answer.headers.get('etag')!
    versions.push((await task(answer)).version)
  } while (answer.status === 202)
  expect(answer.status).toBe(303)
  expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
})

test('a cancellation at one API answers those who wait at the other', async () => {
  const { ask, other } = await startTwo({ workers: 0 })
  const started = await task(startCar(ask))
  const waiting = Array.from({ length: 50 }, (_, n) => wait(n % 2 ? ask : other, started, 60))
  const starting = startCar(other, 'wait=60')
  await until(async () => ((await (await ask('/tasks')).json()) as Task[]).length === 2)
  const [second] = (await (await ask('/tasks')).json()) as [Task]
  for (const { task_id } of [started, second])
    expect((await ask(`/tasks/${task_id}/cancel`, { method: 'POST' })).status).toBe(202)
  for (const answer of await Promise.all(waiting)) {
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ status: 'canceled', reason: 'client' })
  }
  expect((await starting).status).toBe(200)
})

test('an API that is told to stop answers all that wait with 202, and ends', async () => {
  const { ask, api } = await startStack({ workers: 0 })
  const started = await task(startCar(ask))
  const answered = () => api.log.filter(({ msg }) => msg === 'task accepted').length
  const starting = Array.from({ length: 20 }, () => startCar(ask, 'wait=60'))
  await until(async () => answered() === 21)
  const reading = wait(ask, started, 60)
  await watched(started)
  expect(await api.end('SIGTERM')).toBe(0)
  const answers = await Promise.all([...starting, reading])
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  expect(new Set(answers.map(({ headers }) => headers.get('preference-applied')))).toEqual(
    new Set(['wait=60']),
  )
})

test('a wait survives Redis: what changed after it is back is told', async () => {
  const redis = await mortalRedis()
  const { ask, other } = await startTwo({ redisUrl: redis.url, environment: { CAR_STEP_MS: '400' } })
  const started = await task(startCar(ask))
  const running = await task(wait(ask, started, 60, `W/"${started.version}-monitor"`))
  const starting = startCar(other, 'wait=60')
  await until(async () => ((await (await ask('/tasks')).json()) as Task[]).length === 2)
  const waiting = untilEnded(ask, running)
  await redis.kill()
  await until(async () => (await ask('/readyz')).status === 503)
  await redis.revive()
  expect((await starting).status).toBe(303)
  expect((await waiting).status).toBe(303)
})

/** Waits for change after change as a client does that repeats what was answered 503. */
async function untilEnded(ask: Ask, { task_id }: Task): Promise<Response> {
  let answer: Response
  do answer = await ask(`/tasks/${task_id}`, { headers: { prefer: 'wait=60' } })
  while (answer.status === 202 || answer.status === 503)
  return answer
}

test('a wait does not outlast its time while Redis is away: 202 for a start, 503 for a read', async () => {
  const redis = await mortalRedis()
  const { ask } = await startStack({ redisUrl: redis.url, workers: 0 })
  const started = await task(startCar(ask))
  const waiting = [startCar(ask, 'wait=2'), wait(ask, started, 2)]
  await until(async () => ((await (await ask('/tasks')).json()) as Task[]).length === 2)
  await redis.kill()
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([202, 503])
  expect((await wait(ask, started, 60)).status).toBe(503)
})

test('a start that waits is answered once it is for the client to confirm', async () => {
  const { ask } = await startStack({ environment: { CAR_STEP_MS: '1' } })
  const built = await startCar(ask, 'wait=10')
  expect(built.status).toBe(303)
  const asked = performance.now()
  const answer = await ask(`${built.headers.get('location')}/reservations`, {
    ...CAR,
    headers: { ...CAR.headers, prefer: 'wait=30' },
    body: '{}',
  })
  expect(performance.now() - asked).toBeLessThan(10_000)
  expect(answer.status).toBe(202)
  expect(answer.headers.get('preference-applied')).toBe('wait=30')
  expect(await task(answer)).toMatchObject({ status: 'awaiting_confirmation' })
})

test('a wait does not outlast its time by much while Redis stands still', async () => {
  const redis = await startLocalRedis()
  onTestFinished(() => redis.stop())
  const { ask } = await startStack({ redisUrl: redis.url, workers: 0 })
  const started = await task(startCar(ask))
  const asked = performance.now()
  const waiting = wait(ask, started, 2)
  await until(async () => performance.now() - asked > 500)
  process.kill(redis.pid, 'SIGSTOP')
  expect((await waiting).status).toBe(503)
  expect(performance.now() - asked).toBeLessThan(5_000)
  process.kill(redis.pid, 'SIGCONT')
  await until(async () => (await ask(`/tasks/${started.task_id}`)).status === 202)
})
