import { describe, expect, test } from 'vitest'
import { BUILT, handWorker } from '../testing/hand-worker.ts'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

const UNKNOWN = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
const cancel = (id: string, more = {}) => ({ method: 'POST' as const, url: `/tasks/${id}/cancel`, ...more })
const confirm = (id: string) => ({ method: 'POST' as const, url: `/tasks/${id}/confirm` })

async function waitingCar(environment = {}) {
  const { ask } = await testApp(environment)
  const { task_id: id } = (await ask(post('/cars', MUSTANG))).json() as { task_id: string }
  return { ask, id }
}

test('a task that waits is canceled at once and leaves its lane', async () => {
  const { ask, id } = await waitingCar()
  const second = (await ask(post('/cars', MUSTANG))).json()
  expect(second).toMatchObject({ queue_position: 1 })
  const before = (await ask(`/tasks/${id}`)).json()
  expect(before.links).toContainEqual({ rel: 'cancel', href: `/tasks/${id}/cancel`, method: 'POST' })
  const answer = await ask(cancel(id))
  expect(answer.statusCode).toBe(202)
  expect(answer.headers['content-location']).toBe(`/tasks/${id}`)
  const task = answer.json()
  expect(task).toMatchObject({
    status: 'canceled',
    reason: 'client',
    version: before.version + 1,
    attempt: 0,
    eta: 0,
    error: { code: 'client', type: '/problems/client' },
  })
  expect(task.links).toEqual([{ rel: 'self', href: `/tasks/${id}`, method: 'GET' }])
  const read = await ask(`/tasks/${id}`)
  expect(read.statusCode).toBe(200)
  expect(read.json()).toEqual(task)
  expect((await ask(`/tasks/${second.task_id}`)).json()).toMatchObject({ queue_position: 0 })
  expect((await ask('/tasks?status=canceled')).json()).toMatchObject([{ task_id: id }])
})

test('a cancellation answers in the style that is asked for', async () => {
  const { ask, id } = await waitingCar()
  const answer = await ask(cancel(id, { headers: { prefer: 'task-style=see-other' } }))
  expect(answer.json()).toMatchObject({ status: 'CANCELED' })
  expect(answer.headers['preference-applied']).toBe('task-style=see-other')
})

test('DELETE of an operation cancels it, in the words of its family', async () => {
  const { ask, id } = await waitingCar()
  const gone = { method: 'DELETE' as const, url: `/operations/${id}` }
  const answer = await ask(gone)
  expect(answer.statusCode).toBe(202)
  expect(answer.json()).toMatchObject({ id, status: 'canceled', error: { code: 'client' } })
  const again = await ask(gone)
  expect(again.statusCode).toBe(409)
  expect(again.json()).toMatchObject({ code: 'already_ended', task_status: 'canceled' })
  expect(again.json()).not.toHaveProperty('status')
})

test('DELETE of an operation whose work goes on answers as often as it is sent, while it is undone', async () => {
  const { ask, redis, prefix } = await testApp()
  const { claim, work } = handWorker(redis, prefix)
  const { task_id: id } = (await ask(post('/cars', MUSTANG))).json()
  const claimed = await claim()
  await work.step(claimed, 'stamp', 'begun')
  await work.step(claimed, 'stamp', 'undoable', '1')
  for (let time = 1; time <= 2; time += 1) {
    const answer = await ask({ method: 'DELETE', url: `/operations/${id}` })
    expect(answer.statusCode).toBe(202)
    expect(answer.json()).toMatchObject({ id, status: 'running' })
  }
  expect((await ask(`/tasks/${id}`)).json()).toMatchObject({ status: 'canceling', reason: 'client' })
})

test('DELETE of an operation that completed is refused, of one that is gone and of an unknown one too', async () => {
  const { ask, redis, prefix } = await testApp()
  const { claim, complete } = handWorker(redis, prefix)
  const { task_id: id } = (await ask(post('/cars', MUSTANG))).json()
  await complete(await claim())
  const refusals: [string, number, object][] = [
    [id, 409, { code: 'already_ended', task_status: 'completed' }],
    [UNKNOWN, 404, { code: 'not_found' }],
    [id, 410, { code: 'gone', task_status: 'completed' }],
  ]
  for (const [taskId, status, problem] of refusals) {
    if (status === 410) await ask({ method: 'DELETE', url: `/tasks/${id}` })
    const answer = await ask({ method: 'DELETE', url: `/operations/${taskId}` })
    expect(answer.statusCode).toBe(status)
    expect(answer.json()).toMatchObject(problem)
    expect(answer.json()).not.toHaveProperty('status')
  }
})

test.each(['cancel', 'confirm'])('%s of a task that has ended is refused', async (act) => {
  const { ask, redis, prefix } = await testApp()
  const { claim, complete } = handWorker(redis, prefix)
  const start = async () => (await ask(post('/cars', MUSTANG))).json().task_id
  const completed = await start()
  await complete(await claim())
  const canceled = await start()
  await ask(cancel(canceled))
  for (const [id, status] of [
    [completed, 'completed'],
    [canceled, 'canceled'],
  ]) {
    const answer = await ask({ method: 'POST', url: `/tasks/${id}/${act}` })
    expectProblem(answer, 409, 'already_ended', { task_status: status })
  }
})

test('a task that does not await confirmation cannot be confirmed', async () => {
  const { ask, id } = await waitingCar()
  expectProblem(await ask(confirm(id)), 409, 'not_awaiting_confirmation', { task_status: 'pending' })
  expect((await ask(`/tasks/${id}`)).json()).toMatchObject({ status: 'pending', version: 1 })
})

test('a task that has not ended cannot be deleted; the refusal leads to canceling it', async () => {
  const { ask, id } = await waitingCar()
  const remove = { method: 'DELETE' as const, url: `/tasks/${id}` }
  expectProblem(await ask(remove), 409, 'not_ended', {
    task_status: 'pending',
    links: [{ rel: 'cancel', href: `/tasks/${id}/cancel`, method: 'POST' }],
  })
  await ask(cancel(id))
  expect((await ask(remove)).statusCode).toBe(204)
  expectProblem(await ask(remove), 410, 'gone', { task_status: 'canceled', reason: 'client' })
  expectProblem(await ask(cancel(id)), 410, 'gone', { task_status: 'canceled', reason: 'client' })
  expectProblem(await ask(confirm(id)), 410, 'gone')
})

describe('a task that has expired answers every act and every read with 410 and how it ended, then 404', () => {
  const asks = (id: string) => [
    cancel(id),
    confirm(id),
    { method: 'DELETE' as const, url: `/tasks/${id}` },
    { method: 'DELETE' as const, url: `/operations/${id}` },
    { url: `/tasks/${id}/events`, headers: { accept: 'text/event-stream' } },
    { url: `/tasks/${id}` },
    { url: `/tasks/${id}`, headers: { prefer: 'wait=60' } },
    { url: `/tasks/${id}?style=created` },
    { url: `/operations/${id}` },
  ]
  test.each(['before', 'after'])('%s it is swept', async (when) => {
    const { ask, redis, prefix } = await testApp({ RETENTION_SECONDS: '60', TOMBSTONE_SECONDS: '60' })
    const { claim, complete, passTime, tick } = handWorker(redis, prefix)
    const { task_id: id } = (await ask(post('/cars', MUSTANG))).json() as { task_id: string }
    await complete(await claim())
    const { finished_at } = (await ask(`/tasks/${id}`)).json()
    await passTime(120_000)
    if (when === 'after') await tick()
    for (const request of asks(id)) {
      const answer = await ask(request)
      expect(answer.statusCode, JSON.stringify(request)).toBe(410)
      expect(answer.json()).toMatchObject({
        code: 'gone',
        task_status: 'completed',
        reason: null,
        resource: BUILT,
      })
      expect(Date.parse(finished_at) - Date.parse(answer.json().finished_at)).toBe(120_000)
    }
    expect((await ask('/tasks')).json()).toEqual([])
    await tick()
    await passTime(120_000)
    for (const request of asks(id)) expect((await ask(request)).statusCode).toBe(404)
  })
})

test.each(['cancel', 'confirm'])('%s of what nobody has is not found', async (act) => {
  const { ask } = await testApp()
  for (const id of [UNKNOWN, 'nonsense', '%00', UNKNOWN.toUpperCase()]) {
    expectProblem(await ask({ method: 'POST', url: `/tasks/${id}/${act}` }), 404, 'not_found')
  }
})

test.each(['application/x-www-form-urlencoded', 'application/json', 'text/plain'])(
  'an act without a body is taken as such, though its type is said to be %s',
  async (type) => {
    const { ask, id } = await waitingCar()
    const answer = await ask(cancel(id, { headers: { 'content-type': type, 'content-length': '0' } }))
    expect(answer.statusCode).toBe(202)
  },
)

test('fifty cancellations at once are one', async () => {
  const { ask, id } = await waitingCar()
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(cancel(id))))
  const codes = answers.map(({ statusCode }) => statusCode)
  expect(codes.filter((code) => code === 202)).toHaveLength(1)
  expect(codes.filter((code) => code === 409)).toHaveLength(49)
  expect((await ask(`/tasks/${id}`)).json()).toMatchObject({ status: 'canceled', version: 2 })
})

test('fifty of each act at once leave one truth', async () => {
  const { ask, id } = await waitingCar()
  const acts = Array.from({ length: 50 }, () => [
    ask(cancel(id)),
    ask(confirm(id)),
    ask({ method: 'DELETE', url: `/tasks/${id}` }),
  ])
  const codes = (await Promise.all(acts.flat())).map(({ statusCode }) => statusCode)
  expect(codes.filter((code) => code === 202)).toHaveLength(1)
  expect(codes.filter((code) => code === 204).length).toBeLessThanOrEqual(1)
  for (const code of codes) expect([202, 204, 409, 410]).toContain(code)
})

test.each(['0', '0s', '-5s', '1y', 'abc', '', '25h', '999ms', '1.5h', '90', '1h30m', '99999999999s'])(
  'Cancel-After: %s is refused',
  async (field) => {
    const { ask } = await testApp()
    const answer = await ask(post('/cars', MUSTANG, { 'cancel-after': field }))
    expectProblem(answer, 422, 'invalid_input', { errors: [{ header: 'cancel-after' }] })
    expect((await ask('/tasks')).json()).toEqual([])
  },
)

test.each([
  ['1s', 1_000],
  ['1500ms', 1_500],
  ['2m', 120_000],
  ['24h', 86_400_000],
])('Cancel-After: %s sets the deadline from acceptance', async (field, ms) => {
  const { ask } = await testApp()
  const task = (await ask(post('/cars', MUSTANG, { 'cancel-after': field }))).json()
  expect(Date.parse(task.deadline) - Date.parse(task.created_at)).toBe(ms)
  expect((await ask(`/tasks/${task.task_id}`)).json().deadline).toBe(task.deadline)
})

test('Cancel-After is part of what an Idempotency-Key stands for', async () => {
  const { ask } = await testApp()
  const start = (after: string) =>
    ask(post('/cars', MUSTANG, { 'idempotency-key': 'k', 'cancel-after': after }))
  expect((await start('60s')).statusCode).toBe(202)
  expect((await start('1m')).statusCode).toBe(202)
  expectProblem(await start('2m'), 422, 'idempotency_conflict')
})

test('with Redis away acts are refused with 503', async () => {
  const { ask } = await testApp({ REDIS_URL: 'redis://127.0.0.1:1' })
  expectProblem(await ask(cancel(UNKNOWN)), 503, 'store_unavailable')
  expectProblem(await ask(confirm(UNKNOWN)), 503, 'store_unavailable')
})
