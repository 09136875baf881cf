import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@accepted/core/testing'
import { startLocalRedis } from '@accepted/local-redis'
import { expect, onTestFinished, test } from 'vitest'
import { type Stack, startApp, startStack, told } from './stack.ts'

const MUSTANG = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
const JSON_BODY = { 'content-type': 'application/json' }
type Ask = Stack['ask']
type Task = {
  task_id: string
  status: string
  workflow: Record<string, string>
  attempt: number
  attempts: unknown[]
}

async function startCar(ask: Ask): Promise<Task> {
  const answer = await ask(`/cars`, { method: 'POST', headers: JSON_BODY, body: MUSTANG })
  if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Task
}

async function read(ask: Ask, { task_id }: Task): Promise<Task> {
  return (await (await ask(`/tasks/${task_id}`)).json()) as Task
}

async function ended(ask: Ask, task: Task, withinMs?: number): Promise<Task> {
  return until(async () => {
    const now = await read(ask, task)
    return ['completed', 'failed'].includes(now.status) && now
  }, withinMs)
}

test('two workers run two hundred tasks, each once', async () => {
  const { ask, workers } = await startStack({ workers: 2, environment: { CAR_STEP_MS: '1' } })
  const tasks = await Promise.all(Array.from({ length: 200 }, () => startCar(ask)))
  for (const task of tasks)
    expect(await ended(ask, task, 30_000)).toMatchObject({ status: 'completed', attempt: 1 })
  const starts = () =>
    workers.map(({ log }) => log.filter(({ msg }) => msg === 'attempt started').map(({ task }) => task))
  await expect.poll(() => starts().flat().sort()).toEqual(tasks.map(({ task_id }) => task_id).sort())
  for (const own of starts()) expect(own.length).toBeGreaterThan(0)
})

test('a worker that is told to stop gives its tasks back; another goes on from the last finished step', async () => {
  const { ask, workers, startWorker } = await startStack({ environment: { CAR_STEP_MS: '300' } })
  const task = await startCar(ask)
  await until(async () => (await read(ask, task)).workflow.stamp === 'finished')
  expect(await workers[0]!.end('SIGTERM')).toBe(0)
  expect(await read(ask, task)).toMatchObject({
    status: 'pending',
    attempt: 0,
    workflow: { stamp: 'finished' },
  })
  const successor = startWorker()
  const done = await ended(ask, task)
  expect(done).toMatchObject({ status: 'completed', attempt: 1 })
  const ran = () => successor.log.filter(({ msg }) => msg === 'step finished').map(({ step }) => step)
  await expect.poll(ran).toEqual(['weld', 'paint'])
})

test('a worker that is killed loses nothing: its task goes on elsewhere within 15 s', async () => {
  const { ask, workers, startWorker } = await startStack({ environment: { CAR_STEP_MS: '300' } })
  const task = await startCar(ask)
  await until(async () => (await read(ask, task)).workflow.stamp === 'finished')
  await workers[0]!.end('SIGKILL')
  const killed = performance.now()
  startWorker()
  const done = await ended(ask, task, 20_000)
  expect(performance.now() - killed).toBeLessThan(17_000)
  expect(done).toMatchObject({
    status: 'completed',
    attempts: [{ error: { code: 'worker_lost' } }, { error: null }],
  })
}, 60_000)

test('a killed worker’s tasks go on elsewhere even while its lane has a backlog', async () => {
  const environment = { CAR_STEP_MS: '60', WORKER_CONCURRENCY: '3' }
  const { ask, workers } = await startStack({ workers: 2, environment })
  const tasks = await Promise.all(Array.from({ length: 400 }, () => startCar(ask)))
  const victim = workers[0]!
  await until(async () => victim.log.filter(({ msg }) => msg === 'task ended').length >= 3)
  await victim.end('SIGKILL')
  const named = (msg: string) =>
    victim.log.filter((line) => line.msg === msg).map(({ task }) => task as string)
  const orphans = named('attempt started').filter((id) => !named('task ended').includes(id))
  expect(orphans.length).toBeGreaterThan(0)
  for (const task_id of orphans) await ended(ask, { task_id } as Task, 20_000)
  expect((await (await ask('/tasks?status=pending&limit=200')).json()) as Task[]).not.toEqual([])
  for (const task of tasks) expect(await ended(ask, task, 60_000)).toMatchObject({ status: 'completed' })
  expect((await (await ask('/cars?limit=200')).json()) as unknown[]).toHaveLength(200)
}, 120_000)

test('Redis dies in the middle and comes back: 503 meanwhile, then all goes on, and nothing is lost', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'accepted-faults-'))
  let redis = await startLocalRedis({ dataDir })
  onTestFinished(async () => {
    await redis.stop()
    await rm(dataDir, { recursive: true })
  })
  const { ask } = await startStack({ redisUrl: redis.url, environment: { CAR_STEP_MS: '300' } })
  const tasks = await Promise.all(Array.from({ length: 20 }, () => startCar(ask)))
  await until(async () => (await read(ask, tasks[0]!)).workflow.stamp === 'finished')
  const { port } = redis
  process.kill(redis.pid, 'SIGKILL')
  await redis.exited

  for (const path of ['/tasks', `/tasks/${tasks[0]!.task_id}`, '/cars', '/readyz']) {
    const asked = performance.now()
    const answer = await ask(path)
    expect(answer.status, path).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(performance.now() - asked).toBeLessThan(1_500)
  }
  const refused = await ask(`/cars`, { method: 'POST', headers: JSON_BODY, body: MUSTANG })
  expect(await refused.json()).toMatchObject({ status: 503, code: 'store_unavailable' })

  redis = await startLocalRedis({ dataDir, port })
  await until(async () => (await ask(`/tasks`)).ok)
  for (const task of tasks) expect(await ended(ask, task, 30_000)).toMatchObject({ status: 'completed' })
  expect(await (await ask(`/tasks`)).json()).toHaveLength(20)
}, 60_000)

test('a worker that stands still is told by /readyz within 15 s, as long as it does', async () => {
  const { ask, workers, passTime } = await startStack()
  workers[0]!.child.kill('SIGSTOP')
  await passTime(15_000, { alive: false })
  const answer = await ask('/readyz')
  expect(answer.status).toBe(503)
  expect(((await answer.json()) as { detail: string }).detail).toMatch(
    /^Missing: (no worker has fetched from the lane \w+ lately(; |\.$)){2,}/,
  )
  workers[0]!.child.kill('SIGCONT')
  await until(async () => (await ask('/readyz')).ok)
})

test('an idle worker that is told to stop while Redis is away stops', async () => {
  const redis = await startLocalRedis()
  onTestFinished(() => redis.stop())
  const { workers } = await startStack({ redisUrl: redis.url, environment: { SHUTDOWN_GRACE_SECONDS: '25' } })
  await redis.stop()
  await until(async () => workers[0]!.log.some(({ msg }) => msg === 'Redis is away'))
  expect(await workers[0]!.end()).toBe(0)
}, 20_000)

test('a request head of 20 kB is refused with a problem document', async () => {
  const { url } = await startStack({ workers: 0 })
  const { hostname, port } = new URL(url)
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
    socket.write(`GET /tasks HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`)
  })
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  expect(answer).toMatch(/content-type: application\/problem\+json/i)
  expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ code: 'header_too_large', status: 431 })
})

test('a body of 2 MB is refused with 413', async () => {
  const { ask } = await startStack({ workers: 0 })
  const answer = await ask(`/cars`, {
    method: 'POST',
    headers: JSON_BODY,
    body: `"${'x'.repeat(2_000_000)}"`,
  })
  expect(answer.status).toBe(413)
  expect(await answer.json()).toMatchObject({ code: 'too_large' })
})

test('faulty settings are told in words, all at once, and the process ends with 78', async () => {
  const api = startApp('api', { PORT: 'many', LOG_LEVEL: 'loud' })
  await expect(told(api)).rejects.toThrow(/ended with 78/)
  for (const name of ['PORT=many', 'LOG_LEVEL=loud', 'REDIS_URL: is required'])
    expect(api.stderr()).toContain(name)
  const worker = startApp('worker', { REDIS_URL: 'redis://127.0.0.1:1', CAR_STEP_MS: '-1' })
  await expect(told(worker)).rejects.toThrow(/CAR_STEP_MS=-1/)
})

test('an API whose port is taken says so', async () => {
  const { url } = await startStack({ workers: 0 })
  const { port } = new URL(url)
  const second = startApp('api', { REDIS_URL: 'redis://127.0.0.1:1', PORT: port })
  await expect(told(second)).rejects.toThrow(new RegExp(`PORT=${port}: is in use`))
})

test('an app whose supervisor is gone ends by itself', async () => {
  const { api, workers } = await startStack()
  for (const { child } of [api, ...workers]) {
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.disconnect()
    expect(await exited).toBe(0)
  }
})
