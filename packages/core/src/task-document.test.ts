import { expect, test } from 'vitest'
import type { TaskRecord } from './store/record.ts'
import { taskDocument } from './task-document.ts'

const task: TaskRecord = {
  taskId: '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
  tenant: 'default',
  operation: 'car.build',
  lane: 'car.build',
  priority: 3,
  status: 'running',
  reason: null,
  version: 7,
  attempt: 2,
  maxAttempts: 3,
  runMs: 60_000,
  graceMs: 1_000,
  progress: 50,
  head: {
    resource: '/cars',
    verb: 'POST',
    header: { 'content-type': 'application/json' },
    params: {},
    steps: ['stamp', 'weld', 'paint'],
    collection: 'cars',
    requestId: 'r',
    traceparent: 't',
  },
  body: '{"b":1.0,"2":12345678901234567890,"a":[],"1":1e2}',
  resource: null,
  error: null,
  steps: new Map([
    ['weld', { state: 'in progress', outcome: '', undoable: false }],
    ['stamp', { state: 'finished', outcome: '"x"', undoable: true }],
  ]),
  attempts: Array.from({ length: 12 }, (_, n) => ({ attempt: n, startedMs: n, endedMs: n + 1, error: null })),
  createdMs: 0,
  updatedMs: 1,
  startedMs: 1,
  beganMs: 1,
  finishedMs: null,
  deadlineMs: null,
  confirmByMs: null,
  endsAs: null,
  expiresMs: null,
}
const estimate = { etaMs: 1600, soonestMs: 1200, queuePosition: null }

test('the body keeps its members, their order and their digits', () => {
  expect(taskDocument(task, estimate)).toContain(`"body":${task.body}}`)
})

test('steps stand in declared order, attempts are the last ten, times are UTC with milliseconds', () => {
  const document = JSON.parse(taskDocument(task, estimate))
  expect(Object.entries(document.workflow)).toEqual([
    ['stamp', 'finished'],
    ['weld', 'in progress'],
    ['paint', 'not started'],
  ])
  expect(document.attempts.map(({ attempt }: { attempt: number }) => attempt)).toEqual([
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ])
  expect(document).toMatchObject({ eta: 2, created_at: '1970-01-01T00:00:00.000Z', finished_at: null })
})

test('a finished task links to itself and to what it made, under the name of its collection', () => {
  const ended: TaskRecord = { ...task, status: 'completed', resource: '/cars/1', result: '{"car_id":1}' }
  const document = JSON.parse(taskDocument(ended, estimate))
  expect(document.result).toEqual({ car_id: 1 })
  expect(document.links).toEqual([
    { rel: 'self', href: `/tasks/${task.taskId}`, method: 'GET' },
    { rel: 'cars', href: '/cars/1', method: 'GET' },
  ])
})

test('in a list neither body nor result is shown', () => {
  const document = JSON.parse(taskDocument(task, estimate, {}, 'listed'))
  expect(document).not.toHaveProperty('result')
  expect(document.request).toEqual({
    resource: '/cars',
    verb: 'POST',
    header: { 'content-type': 'application/json' },
  })
})
