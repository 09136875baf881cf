import { taskError } from '@accepted/contract'
import { expect, test } from 'vitest'
import type { TaskRecord } from '../store/record.ts'
import { LONGEST_MESSAGE_BYTES, messageBody } from './message.ts'

const task: TaskRecord = {
  taskId: '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
  tenant: 'default',
  operation: 'car.build',
  lane: 'car.build',
  priority: 3,
  status: 'failed',
  reason: 'attempts_exhausted',
  version: 21,
  attempt: 10,
  maxAttempts: 10,
  runMs: 60_000,
  graceMs: 1_000,
  progress: 0,
  head: {
    resource: '/cars',
    verb: 'POST',
    header: {},
    params: {},
    steps: ['stamp'],
    requestId: 'r',
    traceparent: 't',
    callback: { url: 'https://shop.example/hook', events: ['failed'], base: 'https://api.example' },
  },
  resource: null,
  error: null,
  steps: new Map(),
  attempts: [],
  createdMs: 0,
  updatedMs: 1,
  startedMs: 1,
  beganMs: 1,
  finishedMs: 1,
  deadlineMs: null,
  confirmByMs: null,
  endsAs: null,
  expiresMs: 2,
}

test.each([
  ['a', 10],
  ['\u0001', 10],
  ['日', 4],
])(
  'attempts that said a lot (%j) are left out, the first ones first, from what would be too long',
  (said, number) => {
    // A message has at most so many characters.
    const error = taskError('attempts_exhausted', said.repeat(2_000))
    const attempts = Array.from({ length: number }, (_, n) => ({
      attempt: n,
      startedMs: n,
      endedMs: n,
      error,
    }))
    const body = messageBody({
      event: 'failed',
      eventMs: 1,
      task: { ...task, error, attempts },
      resultLeftOut: false,
    })
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(LONGEST_MESSAGE_BYTES)
    const { data } = JSON.parse(body)
    expect(data.error.message).toBe(error.message)
    const told = data.attempts.map(({ attempt }: { attempt: number }) => attempt)
    expect(told).toEqual(attempts.slice(number - told.length).map(({ attempt }) => attempt))
    expect(told.length).toBeLessThan(number)
  },
)
