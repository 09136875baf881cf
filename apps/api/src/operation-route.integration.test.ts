import { expect, test } from 'vitest'
import { handWorker } from './testing/hand-worker.ts'
import { expectProblem, post } from './testing/requests.ts'
import { MUSTANG, testApp } from './testing/test-app.ts'

test('a start answers 202 with the task and every header that leads on', async () => {
  const { ask } = await testApp()
  const answer = await ask(post('/cars', MUSTANG))
  const task = answer.json()
  expect(answer.statusCode).toBe(202)
  expect(answer.headers).toMatchObject({
    location: `/tasks/${task.task_id}`,
    'operation-location': `http://accepted.test/operations/${task.task_id}`,
    'content-location': `/tasks/${task.task_id}`,
    'retry-after': '1',
    wait: '0',
  })
  expect(task).toMatchObject({
    status: 'pending',
    queue_position: 0,
    request: { verb: 'POST', resource: '/cars', body: MUSTANG },
  })
  const read = await ask(answer.headers.location as string)
  expect(read.statusCode).toBe(202)
  expect(read.json()).toEqual(task)
})

test('a preferred style is kept in the task’s URL, and said to be applied', async () => {
  const { ask } = await testApp()
  const answer = await ask(post('/cars', MUSTANG, { prefer: 'task-style=created, wait=0, nonsense==' }))
  expect(answer.headers.location).toMatch(/^\/tasks\/[0-9a-f-]{36}\?style=created$/)
  expect(answer.headers['preference-applied']).toBe('task-style=created')
  expect(answer.json()).toMatchObject({ status: 'not started', result: {} })
  const read = await ask(answer.headers.location as string)
  expect(read.headers).toMatchObject({ wait: '0', location: answer.headers.location })
})

test('the body is shown as it was sent', async () => {
  const { ask } = await testApp()
  const body = '{ "color":"Bl\\u00fce", "model":2014.0,"make":"M","brand":"F" }'
  const answer = await ask(post('/cars', body))
  expect(answer.statusCode).toBe(202)
  expect(answer.body).toContain(`"body":${body}`)
})

test('nonsense in Prefer is ignored, and so is a style that nobody knows', async () => {
  const { ask } = await testApp()
  for (const prefer of ['', ';;;', 'wait=-1', 'task-style=fancy', '"', 'respond-async=1e9=2', ',']) {
    const answer = await ask(post('/cars', MUSTANG, { prefer }))
    expect(answer.statusCode, prefer).toBe(202)
    expect(answer.headers.location).toMatch(/^\/tasks\/[0-9a-f-]{36}$/)
  }
})

test('a repeated request under its key gets the same task; another request under it 422', async () => {
  const { ask } = await testApp()
  const first = await ask(post('/cars', MUSTANG, { 'idempotency-key': 'k1' }))
  const { brand, make, model, color } = MUSTANG
  const again = await ask(post('/cars', { color, model, make, brand }, { 'idempotency-key': '"k1"' }))
  expect(again.statusCode).toBe(202)
  expect(again.json().task_id).toBe(first.json().task_id)
  expect(again.headers.location).toBe(first.headers.location)
  for (const other of [
    post('/cars', { ...MUSTANG, color: 'Red' }, { 'idempotency-key': 'k1' }),
    post('/cars', MUSTANG, { 'idempotency-key': 'k1', 'task-priority': '0' }),
    post(
      '/orders/reports',
      { start_date: '2021-10-01', end_date: '2021-10-02' },
      { 'idempotency-key': 'k1' },
    ),
  ]) {
    expectProblem(await ask(other), 422, 'idempotency_conflict')
  }
})

test('two hundred at once under one key make one task', async () => {
  const { ask } = await testApp()
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => ask(post('/cars', MUSTANG, { 'idempotency-key': 'same' }))),
  )
  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([202]))
  expect(new Set(answers.map((answer) => answer.json().task_id)).size).toBe(1)
  expect((await ask('/tasks')).json()).toHaveLength(1)
})

test('a full lane is refused with 503 and when to come again; so is one that is longer than Max-Queue', async () => {
  const { ask } = await testApp({ MAX_BACKLOG: '2' })
  expect((await ask(post('/cars', MUSTANG, { 'max-queue': '0' }))).statusCode).toBe(202)
  const tooLong = await ask(post('/cars', MUSTANG, { 'max-queue': '0' }))
  expectProblem(tooLong, 503, 'backlog_full')
  expect(tooLong.headers['retry-after']).toMatch(/^\d+$/)
  expect((await ask(post('/cars', MUSTANG))).statusCode).toBe(202)
  expectProblem(await ask(post('/cars', MUSTANG)), 503, 'backlog_full')
  // Lanes do not fill each other.
  expect(
    (await ask(post('/orders/reports', { start_date: '2021-10-01', end_date: '2021-10-02' }))).statusCode,
  ).toBe(202)
})

test('Task-Priority orders the tasks that wait: 0 overtakes all of its tenant, 7 lets all go before', async () => {
  const { ask, redis, prefix } = await testApp()
  const { claim } = handWorker(redis, prefix)
  const start = async (priority?: string) => {
    const headers = priority === undefined ? {} : { 'task-priority': priority }
    return (await ask(post('/cars', MUSTANG, headers))).json()
  }
  const patient = await start('7')
  const usual = [await start(), await start('3'), await start()]
  const urgent = await start('0')
  expect([patient, ...usual, urgent].map(({ priority }) => priority)).toEqual([7, 3, 3, 3, 0])
  expect([patient, ...usual, urgent].map(({ queue_position }) => queue_position)).toEqual([0, 0, 1, 2, 0])
  expect((await ask(`/tasks/${patient.task_id}`)).json()).toMatchObject({ queue_position: 4 })

  const claimed: string[] = []
  for (let n = 0; n < 5; n += 1) claimed.push((await claim()).task.taskId)
  expect(claimed).toEqual([urgent, ...usual, patient].map(({ task_id }) => task_id))
})
