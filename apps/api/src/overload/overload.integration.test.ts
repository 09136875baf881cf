import { until } from '@accepted/core/testing'
import { expect, onTestFinished, test } from 'vitest'
import { handWorker } from '../testing/hand-worker.ts'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

const UNKNOWN = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'

async function levelOf({ ask }: Pick<Awaited<ReturnType<typeof testApp>>, 'ask'>): Promise<number> {
  const [, level] = /^http_shedding_level (\S+)$/m.exec((await ask('/metrics')).body)!
  return Number(level)
}

/** An API whose memory is as full as the test says. */
async function pressedApp(environment = {}) {
  const world = { memoryShare: 0.1 }
  // Twenty times as fast, so that it is soon well again; the event loop is not looked at.
  const probes = { nowMs: () => 20 * performance.now(), memoryShare: () => world.memoryShare }
  const api = await testApp({ SHED_MEMORY_SHARE: '0.8', ...environment }, { probes })
  const reach = async (memoryShare: number, level: number) => {
    world.memoryShare = memoryShare
    await until(async () => (await levelOf(api)) === level)
  }
  return { ...api, reach }
}

const START = post('/cars', MUSTANG)

test('an overloaded process refuses starts first, then lists and streams, then all, and tells that it does', async () => {
  const { ask, reach, redis, prefix } = await pressedApp()
  const taskId = String((await ask(START)).json().task_id)
  const other = String((await ask(START)).json().task_id)
  const statuses = async () => ({
    start: (await ask(START)).statusCode,
    orders: (await ask(post('/orders', {}))).statusCode,
    asTask: (await ask({ url: `/cars/${UNKNOWN}`, headers: { prefer: 'respond-async' } })).statusCode,
    list: (await ask('/tasks')).statusCode,
    audit: (await ask('/audit')).statusCode,
    events: (await ask({ url: `/tasks/${UNKNOWN}/events` })).statusCode,
    read: (await ask(`/tasks/${taskId}`)).statusCode,
    resource: (await ask(`/cars/${UNKNOWN}`)).statusCode,
    healthz: (await ask('/healthz')).statusCode,
    metrics: (await ask('/metrics')).statusCode,
  })
  const well = {
    start: 202,
    orders: 422,
    asTask: 202,
    list: 200,
    audit: 200,
    events: 404,
    read: 202,
    resource: 404,
    healthz: 200,
    metrics: 200,
  }
  expect(await statuses()).toEqual(well)
  await reach(0.85, 1)
  const busy = { ...well, start: 503, orders: 503, asTask: 503 }
  expect(await statuses()).toEqual(busy)
  expect((await ask({ method: 'POST', url: `/tasks/${taskId}/cancel` })).statusCode).toBe(202)
  await reach(0.92, 2)
  expect(await statuses()).toEqual({ ...busy, list: 503, audit: 503, events: 503, read: 200 })
  expect((await ask({ method: 'DELETE', url: `/operations/${other}` })).statusCode).toBe(202)
  await reach(0.96, 3)
  expect(await statuses()).toMatchObject({ read: 503, resource: 503, healthz: 200, metrics: 200 })
  // Whether it is ready is not a matter of how busy it is: its share of the load would be too much for the others.
  await handWorker(redis, prefix).beat(1)
  expect((await ask('/readyz')).json().detail ?? '').not.toContain('overload')
  await reach(0.1, 0)
  expect(await statuses()).toEqual({ ...well, read: 200 })
  const { body } = await ask('/metrics')
  expect(body).toMatch(/^http_requests_shed_total\{kind="starts"\} 9$/m)
  expect(body).toMatch(/^http_requests_shed_total\{kind="lists"\} 6$/m)
  expect(body).toMatch(/^http_requests_shed_total\{kind="reads"\} 2$/m)
  expect(body).toMatch(/^http_memory_share 0.1$/m)
})

test('a refusal says when to come again, spread over some seconds, and looks at nothing else: neither key nor body', async () => {
  const { ask, reach } = await pressedApp({ AUTH: 'keys', HOST: '127.0.0.1' })
  await reach(0.99, 3)
  const told = new Set<string>()
  for (let n = 0; n < 60; n += 1) {
    const refused = await ask(post('/cars', '{"brand":'))
    expectProblem(refused, 503, 'overloaded')
    told.add(String(refused.headers['retry-after']))
  }
  expect([...told].sort()).toEqual(['1', '2', '3', '4', '5'])
  const operation = await ask(`/operations/${UNKNOWN}`)
  expect(operation.statusCode).toBe(503)
  expect(operation.json()).not.toHaveProperty('status')
})

/** Makes every turn of the event loop last so long, with what else is done in it, until the test is over. */
function blockTurns(ms: number): void {
  let over = false
  let endMs = performance.now()
  onTestFinished(() => {
    over = true
  })
  const block = () => {
    if (over) return
    for (endMs += ms; performance.now() < endMs; );
    endMs = performance.now()
    setImmediate(block)
  }
  block()
}

test('while the event loop is really blocked starts are refused, and cancels, reads and health are answered', async () => {
  const { app, ask } = await testApp({ SHED_LOOP_DELAY_MS: '300' })
  const [read, canceled] = await Promise.all([ask(START), ask(START)])
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const statusOf = async (path: string, init: RequestInit = {}) => (await fetch(`${url}${path}`, init)).status
  // More than 300 ms and far less than the 1,200 above which reads are refused.
  blockTurns(600)
  const { method, headers, payload: body } = START
  await until(async () => (await levelOf({ ask })) >= 1)
  const statuses = await Promise.all([
    statusOf('/cars', { method, headers, body }),
    statusOf(read.headers.location as string),
    statusOf(`/tasks/${canceled.json().task_id}/cancel`, { method: 'POST' }),
    statusOf('/healthz'),
  ])
  expect(statuses).toEqual([503, 202, 202, 200])
})
