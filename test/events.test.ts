import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { taskEventsOf } from '@accepted/api/testing'
import type { Task } from '@accepted/contract'
import { until } from '@accepted/core/testing'
import { type ErrorEvent, EventSource } from 'eventsource'
import { expect, onTestFinished, test } from 'vitest'
import { mortalRedis } from './mortal-redis.ts'
import { type Stack, startStack, told } from './stack.ts'

const CAR = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }),
}
const NAMES = ['update', 'started', 'progress', 'awaiting_confirmation', 'completed', 'failed', 'canceled']

async function startCar(ask: Stack['ask']): Promise<Task> {
  return (await (await ask('/cars', CAR)).json()) as Task
}

/** The stream as the task's own link names it. */
function eventsUrl(url: string, task: Task): string {
  return `${url}${task.links.find(({ rel }) => rel === 'events')!.href}`
}

/** Follows a task as a page does: with an EventSource, by what it says alone. */
function follow(url: string, task: Task) {
  const source = new EventSource(eventsUrl(url, task))
  onTestFinished(() => source.close())
  /** With how often the connection had been lost by then. */
  const seen: { name: string; task: Task; losses: number }[] = []
  const errors: ErrorEvent[] = []
  for (const name of NAMES) {
    source.addEventListener(name, ({ data, lastEventId }) => {
      const told = JSON.parse(data) as Task
      expect(lastEventId).toBe(String(told.version))
      seen.push({ name, task: told, losses: errors.length })
    })
  }
  source.addEventListener('error', (error) => errors.push(error))
  return {
    seen,
    errors,
    names: () => seen.map(({ name }) => name),
    versions: () => seen.map(({ task: { version } }) => version),
    /** Resolves when the source has given up, as the API told it to. */
    closed: () => until(async () => source.readyState === source.CLOSED, 30_000),
  }
}

/** That each version was told at most once, and later ones later. */
function expectInOrder(versions: number[]): void {
  expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
}

test('an EventSource hears a task to its end, and is then told to come no more', async () => {
  const { url, ask, startWorker } = await startStack({ workers: 0, environment: { CAR_STEP_MS: '100' } })
  const task = await startCar(ask)
  const { seen, names, versions, errors, closed } = follow(url, task)
  await until(async () => names().length === 1)
  startWorker()
  await closed()
  expectInOrder(versions())
  expect(names()).toContain('started')
  expect(names().filter((name) => name === 'completed')).toHaveLength(1)
  expect(seen.at(-1)).toMatchObject({ name: 'completed', task: { status: 'completed', progress: 100 } })
  expect(seen.at(-1)?.task).toEqual(await (await ask(`/tasks/${task.task_id}`)).json())
  expect(errors.at(-1)?.code).toBe(204)
})

test('a stream hears what is done at another API', async () => {
  const stack = await startStack({ workers: 0 })
  const other = (await told(stack.startApi())).url as string
  const task = await startCar(stack.ask)
  const { names, closed } = follow(other, task)
  await until(async () => names().length === 1)
  await stack.ask(`/tasks/${task.task_id}/cancel`, { method: 'POST' })
  await closed()
  expect(names()).toEqual(['update', 'canceled'])
})

test('a stream goes on after the API was restarted, from where it was', async () => {
  const { url, ask, api, startApi } = await startStack({ environment: { CAR_STEP_MS: '800' } })
  const task = await startCar(ask)
  const { seen, names, versions, closed } = follow(url, task)
  await until(async () => names().includes('started'))
  expect(await api.end('SIGTERM')).toBe(0)
  await told(startApi(new URL(url).port))
  await closed()
  expectInOrder(versions())
  expect(seen.at(-1)?.name).toBe('completed')
})

test('a stream stays open while Redis is away, and catches up', async () => {
  const redis = await mortalRedis()
  const { url, ask } = await startStack({ redisUrl: redis.url, environment: { CAR_STEP_MS: '600' } })
  const task = await startCar(ask)
  const { seen, names, versions, closed } = follow(url, task)
  await until(async () => names().includes('started'))
  await redis.kill()
  await until(async () => (await ask('/readyz')).status === 503)
  await redis.revive()
  await closed()
  expectInOrder(versions())
  expect(seen.at(-1)).toMatchObject({ name: 'completed', losses: 0 })
})

test('curl follows a task, and ends when it has ended', async () => {
  const { url, ask } = await startStack()
  const curl = spawn('curl', ['-sN', eventsUrl(url, await startCar(ask))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void curl.kill())
  const exited = once(curl, 'exit')
  const names: string[] = []
  for await (const { name } of taskEventsOf(curl.stdout)) names.push(name)
  expect(names.at(-1)).toBe('completed')
  expect(await exited).toEqual([0, null])
})
