import { until } from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { handWorker } from './testing/hand-worker.ts'
import { MUSTANG, testApp } from './testing/test-app.ts'

const start = (prefer: string, headers = {}, url = '/cars') => ({
  method: 'POST' as const,
  url,
  headers: { 'content-type': 'application/json', prefer, ...headers },
  payload: JSON.stringify(MUSTANG),
})
const read = (url: string, prefer: string, headers = {}) => ({ url, headers: { prefer, ...headers } })

/** An API, and a hand that does its work. */
async function setUp() {
  const test = await testApp()
  const hand = handWorker(test.redis, test.prefix)
  const started = async () => (await test.ask(start(''))).json().task_id as string
  const watched = (taskId: string) => until(async () => (await hand.subscriptions(taskId)) === 1)
  /** The one task there is, as soon as somebody waits for it. */
  const awaited = async () => {
    const claim = await until(() => hand.work.claim(0, 'car.build'))
    await watched(claim.task.taskId)
    return claim
  }
  return { ...test, ...hand, started, watched, awaited }
}

test.each([
  ['monitor', 303],
  ['created', 201],
  ['see-other', 303],
  ['operation', 200],
])(
  'a start that waits answers in style %s with %i as a read would, once the task has ended',
  async (style, status) => {
    const { ask, awaited, complete } = await setUp()
    const waiting = ask(start(`respond-async, task-style=${style}, wait=60`))
    const claim = await awaited()
    await complete(claim)
    const answer = await waiting
    expect(answer.statusCode).toBe(status)
    expect(answer.headers['preference-applied']).toBe(`respond-async, task-style=${style}, wait=60`)
    const { headers, statusCode, body } = await ask(`/tasks/${claim.task.taskId}?style=${style}`)
    const { 'preference-applied': _, date: _1, 'x-request-id': _2, ...told } = answer.headers
    expect({ ...told, statusCode: answer.statusCode, body: answer.body }).toMatchObject({
      etag: headers.etag,
      link: headers.link,
      sunset: headers.sunset,
      'cache-control': headers['cache-control'],
      statusCode,
      body,
    })
    expect(told.location).toBe(headers.location)
  },
)

test('a start that waits goes on waiting while the task only goes on, and answers 202 when the time is up', async () => {
  const { ask, awaited, work } = await setUp()
  const waiting = ask(start('wait=1'))
  const claim = await awaited()
  await work.progress(claim, 40)
  const answer = await waiting
  expect(answer.statusCode).toBe(202)
  expect(answer.json()).toMatchObject({ status: 'running', progress: 40 })
  expect(answer.headers).toMatchObject({
    'preference-applied': 'wait=1',
    location: `/tasks/${claim.task.taskId}`,
    'content-location': `/tasks/${claim.task.taskId}`,
  })
})

test('a start that waits is answered 202 as soon as the task awaits confirmation', async () => {
  const { ask, awaited, redis, prefix } = await setUp()
  const waiting = ask(start('wait=60'))
  const { taskId } = (await awaited()).task
  // By hand, as no example operation asks for one.
  await redis.hset(`${prefix}:{0}:open:${taskId}`, { status: 'awaiting_confirmation', version: 3 })
  await redis.publish(`${prefix}:{0}:task:${taskId}`, '3')
  const answer = await waiting
  expect(answer.statusCode).toBe(202)
  expect(answer.json()).toMatchObject({ status: 'awaiting_confirmation', version: 3 })
})

test('a repetition under its Idempotency-Key waits as well, and answers at once when the task has ended', async () => {
  const { ask, awaited, complete } = await setUp()
  const key = { 'idempotency-key': 'k' }
  const first = ask(start('wait=60', key))
  const claim = await awaited()
  const second = ask(start('wait=60', key))
  await complete(claim)
  const answers = [await first, await second, await ask(start('wait=60', key))]
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([303, 303, 303])
  expect((await ask(start('', key))).statusCode).toBe(202)
})

test('a read that waits answers with the next change', async () => {
  const { ask, started, watched, claim, work } = await setUp()
  const taskId = await started()
  for (const [at, path] of ['/tasks/', '/operations/'].entries()) {
    const waiting = ask(read(`${path}${taskId}`, 'wait=60'))
    await watched(taskId)
    if (at === 0) await claim()
    else await ask({ method: 'POST', url: `/tasks/${taskId}/cancel` })
    const answer = await waiting
    expect(answer.headers.etag).toMatch(`W/"${at + 2}-`)
    expect(answer.headers['preference-applied']).toBe('wait=60')
  }
  expect(work).toBeDefined()
})

test('a read that waits from a version answers at once if it is not the present one, else 304 when nothing changes', async () => {
  const { ask, started, claim } = await setUp()
  const url = `/tasks/${await started()}`
  await claim()
  for (const tag of ['W/"1-monitor"', '"99-monitor"', 'W/"2-created"', 'nonsense']) {
    const answer = await ask(read(url, 'wait=60', { 'if-none-match': tag }))
    expect(answer.statusCode, tag).toBe(202)
  }
  const same = await ask(read(url, 'wait=1', { 'if-none-match': 'W/"2-monitor"' }))
  expect(same.statusCode).toBe(304)
  expect(same.headers['preference-applied']).toBe('wait=1')
  const without = await ask(read(url, 'wait=1'))
  expect(without.statusCode).toBe(202)
})

test('a read that waits from the present version answers with the change', async () => {
  const { ask, started, watched, claim } = await setUp()
  const taskId = await started()
  const waiting = ask(read(`/tasks/${taskId}`, 'wait=60', { 'if-none-match': 'W/"1-monitor"' }))
  await watched(taskId)
  await claim()
  expect((await waiting).json()).toMatchObject({ version: 2, status: 'running' })
})

test('an ended task, an unknown one and one that is gone are answered at once, and none is watched', async () => {
  const { ask, started, claim, complete, subscriptions } = await setUp()
  const taskId = await started()
  await complete(await claim())
  const url = `/tasks/${taskId}`
  const ended = await ask(read(url, 'wait=60'))
  expect([ended.statusCode, ended.headers['preference-applied']]).toEqual([303, 'wait=60'])
  expect((await ask(read(`${url}?style=operation`, 'wait=60', { 'if-none-match': '*' }))).statusCode).toBe(
    304,
  )
  expect((await ask(read('/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b', 'wait=60'))).statusCode).toBe(404)
  await ask({ method: 'DELETE', url })
  expect((await ask(read(url, 'wait=60'))).statusCode).toBe(410)
  expect(await subscriptions(taskId)).toBe(0)
})

test.each(['wait=0', 'wait=-1', 'wait=abc', 'wait', 'wait=', 'wait=1.5', 'wait="', 'wait=0, wait=60'])(
  'Prefer: %s does not wait, and is no fault',
  async (prefer) => {
    const { ask, started } = await setUp()
    const answer = await ask(read(`/tasks/${await started()}`, prefer))
    expect([answer.statusCode, answer.headers['preference-applied']]).toEqual([202, undefined])
    expect((await ask(start(prefer))).statusCode).toBe(202)
  },
)

test('fifty waits of one task share its subscription, and all are answered by the change', async () => {
  const { ask, started, watched, claim, subscriptions } = await setUp()
  const taskId = await started()
  const waiting = Array.from({ length: 50 }, () => ask(read(`/tasks/${taskId}`, 'wait=60')))
  await watched(taskId)
  await claim()
  const answers = await Promise.all(waiting)
  expect(new Set(answers.map(({ headers }) => headers.etag))).toEqual(new Set(['W/"2-monitor"']))
  await until(async () => (await subscriptions(taskId)) === 0)
})

test('a client that goes away leaves no subscription', async () => {
  const { app, started, watched, subscriptions } = await setUp()
  const url = await app.listen({ port: 0 })
  const taskId = await started()
  const leaving = new AbortController()
  const headers = { prefer: 'wait=60' }
  const waiting = Array.from({ length: 5 }, () =>
    fetch(`${url}/tasks/${taskId}`, { headers, signal: leaving.signal }),
  )
  await watched(taskId)
  leaving.abort()
  await Promise.allSettled(waiting)
  await until(async () => (await subscriptions(taskId)) === 0)
})

test('an app that closes answers all that wait at once, and holds nobody any more', async () => {
  const { app, ask, started, watched } = await setUp()
  const url = await app.listen({ port: 0 })
  const taskId = await started()
  let received = 0
  app.server.on('request', () => {
    received += 1
  })
  const waiting = Array.from({ length: 20 }, () =>
    fetch(`${url}/tasks/${taskId}`, { headers: { prefer: 'wait=60' } }),
  )
  const starting = ask(start('wait=60'))
  await watched(taskId)
  await until(async () => received === 20 && (await ask('/tasks')).json().length === 2)
  await app.close()
  for (const answer of await Promise.all(waiting)) {
    expect(answer.status).toBe(202)
    expect(answer.headers.get('preference-applied')).toBe('wait=60')
  }
  expect((await starting).statusCode).toBe(202)
})
