import type { TaskStatus } from '@accepted/contract'
import type { TaskRecord } from '@accepted/core'
import { expect, test } from 'vitest'
import { answerOf, namesTag, type StyleName } from './task-styles.ts'

const ID = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
const CONTEXT = { publicUrl: 'https://host/base', bounds: { minSeconds: 1, maxSeconds: 600 } }

function task(status: TaskStatus, changes: Partial<TaskRecord> = {}): TaskRecord {
  const ended = ['completed', 'failed', 'canceled'].includes(status)
  return {
    taskId: ID,
    tenant: 'default',
    operation: 'car.build',
    lane: 'car.build',
    priority: 3,
    status,
    reason: status === 'failed' ? 'permanent_error' : null,
    version: 7,
    attempt: 1,
    maxAttempts: 3,
    runMs: 60_000,
    graceMs: 1_000,
    progress: ended ? 100 : 40,
    head: {
      resource: '/cars',
      verb: 'POST',
      header: {},
      params: {},
      steps: ['stamp'],
      collection: 'cars',
      requestId: 'r',
      traceparent: 't',
    },
    body: '{}',
    resource: null,
    error:
      status === 'failed'
        ? { type: '/problems/permanent_error', title: 'T', code: 'sold_out', message: 'M' }
        : null,
    steps: new Map(),
    attempts: [],
    createdMs: 1_000,
    updatedMs: 2_000,
    startedMs: 1_500,
    beganMs: 1_500,
    finishedMs: ended ? 2_000 : null,
    deadlineMs: null,
    confirmByMs: null,
    endsAs: null,
    expiresMs: ended ? 88_402_000 : null,
    ...changes,
  }
}

const MADE = { resource: '/cars/7', result: '{"car_id":7}' }
const DATA = { result: '{"n":1}' }

function answer(style: StyleName, record: TaskRecord, etaMs: number | null = 2_400) {
  const { status, headers, body } = answerOf(
    style,
    { task: record, estimate: { etaMs, soonestMs: etaMs, queuePosition: null }, nowMs: 4_000 },
    CONTEXT,
  )
  return { status, headers, body: JSON.parse(body) }
}

const OPEN: TaskStatus[] = ['pending', 'running', 'awaiting_confirmation', 'canceling']

test.each(OPEN)('not ended (%s): every style answers by its row of the table', (status) => {
  const self = `/tasks/${ID}`
  const monitor = answer('monitor', task(status))
  expect(monitor).toMatchObject({ status: 202, headers: { location: self, 'retry-after': '3' } })
  expect(monitor.headers).not.toHaveProperty('wait')

  const created = answer('created', task(status))
  expect(created).toMatchObject({
    status: 202,
    headers: { location: `${self}?style=created`, wait: '3', 'retry-after': '3' },
  })
  expect(created.body.result).toEqual({})

  const seeOther = answer('see-other', task(status))
  expect(seeOther).toMatchObject({ status: 200, headers: { 'retry-after': '3' } })
  expect(seeOther.headers).not.toHaveProperty('location')

  const operation = answer('operation', task(status))
  expect(operation).toMatchObject({
    status: 200,
    headers: { 'retry-after': '3', 'operation-location': `https://host/base/operations/${ID}` },
  })
  for (const { headers } of [monitor, created, seeOther, operation])
    expect(headers).not.toHaveProperty('sunset')
})

test('completed with a resource: 303, 201, 303 lead to it; operation names it by absolute URL', () => {
  expect(answer('monitor', task('completed', MADE))).toMatchObject({
    status: 303,
    headers: { location: '/cars/7' },
  })
  expect(answer('created', task('completed', MADE))).toMatchObject({
    status: 201,
    headers: { location: '/cars/7' },
  })
  expect(answer('see-other', task('completed', MADE))).toMatchObject({
    status: 303,
    headers: { location: '/cars/7' },
  })
  const { status, headers, body } = answer('operation', task('completed', MADE))
  expect({ status, location: headers.location }).toEqual({ status: 200, location: undefined })
  expect(body.resourceLocation).toBe('https://host/base/cars/7')
  expect(body).not.toHaveProperty('result')
})

test('completed with data only: 200 with the result in every style', () => {
  for (const style of ['monitor', 'created', 'see-other', 'operation'] as const) {
    const { status, headers, body } = answer(style, task('completed', DATA))
    expect(status).toBe(200)
    expect(headers).not.toHaveProperty('location')
    expect(headers).not.toHaveProperty('retry-after')
    expect(body.result).toEqual({ n: 1 })
  }
})

test.each(['failed', 'canceled'] as const)('%s: 200 in every style, the error in the body', (status) => {
  for (const style of ['monitor', 'created', 'see-other', 'operation'] as const) {
    const shown = answer(style, task(status))
    expect(shown.status).toBe(200)
    if (style === 'operation' && status === 'failed')
      expect(shown.body.error).toEqual({ code: 'sold_out', message: 'M' })
    else if (style !== 'operation')
      expect(shown.body.error?.code ?? null).toBe(status === 'failed' ? 'sold_out' : null)
  }
})

test('every state has its word in every style', () => {
  const words = (style: StyleName) =>
    Object.fromEntries(
      [...OPEN, 'completed', 'failed', 'canceled'].map((s) => [
        s,
        answer(style, task(s as TaskStatus)).body.status,
      ]),
    )
  expect(words('monitor')).toEqual(
    Object.fromEntries([...OPEN, 'completed', 'failed', 'canceled'].map((s) => [s, s])),
  )
  expect(words('created')).toEqual({
    pending: 'not started',
    running: 'active',
    awaiting_confirmation: 'active',
    canceling: 'active',
    completed: 'finished',
    failed: 'failed',
    canceled: 'canceled',
  })
  expect(words('see-other')).toEqual({
    pending: 'PENDING',
    running: 'IN_PROGRESS',
    awaiting_confirmation: 'IN_PROGRESS',
    canceling: 'IN_PROGRESS',
    completed: 'COMPLETED',
    failed: 'FAILED',
    canceled: 'CANCELED',
  })
  expect(words('operation')).toEqual({
    pending: 'notStarted',
    running: 'running',
    awaiting_confirmation: 'running',
    canceling: 'running',
    completed: 'succeeded',
    failed: 'failed',
    canceled: 'canceled',
  })
})

test('the operation style has its own names', () => {
  expect(answer('operation', task('running')).body).toEqual({
    id: ID,
    status: 'running',
    createdDateTime: '1970-01-01T00:00:01.000Z',
    lastActionDateTime: '1970-01-01T00:00:02.000Z',
    percentComplete: 40,
  })
})

test('every read tells its tag, how it may be kept, what it depends on, where it is, and when it goes', () => {
  const { headers } = answer('created', task('completed', MADE))
  expect(headers).toMatchObject({
    etag: 'W/"7-created"',
    'cache-control': 'private, no-cache',
    vary: 'Prefer, Accept',
    link: `</tasks/${ID}?style=created>; rel="self"`,
    sunset: 'Fri, 02 Jan 1970 00:33:22 GMT',
  })
})

test.each(['canceling', 'awaiting_confirmation'] as const)(
  'the hint of a task that is %s comes from the time since it became so',
  (status) => {
    const record = task(status, { createdMs: 0, updatedMs: 3_600_000 })
    const { headers } = answerOf(
      'monitor',
      { task: record, estimate: { etaMs: null, soonestMs: null, queuePosition: null }, nowMs: 3_604_000 },
      CONTEXT,
    )
    expect(headers['retry-after']).toBe('2')
  },
)

test('without an estimate the hint comes from the age of the task', () => {
  expect(answer('created', task('running'), null).headers).toMatchObject({ wait: '2', 'retry-after': '2' })
})

test('a tag is recognized alone, in a list, strong or weak, and by a star', () => {
  const etag = 'W/"7-monitor"'
  for (const field of [etag, '"7-monitor"', `"x", ${etag}`, '*', ' * '])
    expect(namesTag(field, etag), field).toBe(true)
  for (const field of [undefined, '', 'W/"8-monitor"', '7-monitor', '"7-created"'])
    expect(namesTag(field, etag), field).toBe(false)
})
