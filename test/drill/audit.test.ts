import { taskError } from '@accepted/contract'
import type { TaskRecord } from '@accepted/core'
import { describe, expect, test } from 'vitest'
import { audit, type Remains, unasked } from './audit.ts'
import type { Order } from './orders.ts'

const CAR = { car_id: 'c', make: 'drill-1', reserved_by: null }

function order(changes: Partial<Order> = {}): Order {
  return {
    marker: 'drill-1',
    kind: 'car',
    path: '/cars',
    method: 'POST',
    body: {},
    key: undefined,
    callbackUrl: undefined,
    answer: 'accepted',
    taskId: 't',
    by: 'polls',
    done: new Set(),
    deleteAsked: false,
    seen: { version: 9, status: 'completed' },
    ...changes,
  }
}

function task(changes: Partial<TaskRecord> = {}): TaskRecord {
  return {
    taskId: 't',
    operation: 'car.build',
    status: 'completed',
    reason: null,
    version: 9,
    body: JSON.stringify({ make: 'drill-1' }),
    resource: '/cars/c',
    error: null,
    head: { steps: ['stamp'] },
    steps: new Map([['stamp', { state: 'finished', outcome: '', undoable: false }]]),
    attempts: [{ attempt: 1, startedMs: 1, endedMs: 2, error: null }],
    ...changes,
  } as TaskRecord
}

function remains(changes: Partial<Remains> = {}): Remains {
  return {
    tasks: [task()],
    cars: [CAR],
    brokenReports: [],
    finishedSteps: new Map(),
    notTakenBack: new Set(),
    gone: new Set(),
    ...changes,
  }
}

const canceled = task({ status: 'canceled', reason: 'client', resource: null })
const reservation = task({
  taskId: 'r',
  operation: 'car.reserve',
  body: JSON.stringify({ customer: 'drill-2' }),
  resource: null,
})

test('a run in which all is as it was told is without fault', () => {
  expect(audit([order()], remains())).toEqual([])
  const gone = order({ deleteAsked: true, kind: 'read', marker: 'drill-2', taskId: 'u' })
  expect(audit([order(), gone], remains({ gone: new Set(['u']) }))).toEqual([])
  const held = { tasks: [task(), reservation], cars: [{ ...CAR, reserved_by: 'drill-2' }] }
  expect(audit([order()], remains(held))).toEqual([])
})

describe('wrong is', () => {
  test.each<[string, Order[], Partial<Remains>]>([
    ['what was accepted and is not there', [order({ taskId: 'u', marker: 'drill-2' })], {}],
    [
      'what was deleted and leaves no trace',
      [order({ deleteAsked: true, done: new Set(['delete']), taskId: 'u', marker: 'drill-2' })],
      {},
    ],
    [
      'what is gone though nobody asked',
      [order({ taskId: 'u', marker: 'drill-2' })],
      { gone: new Set(['u']) },
    ],
    ['what was refused and is there', [order({ answer: 'refused', taskId: undefined })], {}],
    ['what was made twice', [order()], { tasks: [task(), task({ taskId: 'u' })], cars: [CAR, CAR] }],
    [
      'another task than the one that was told',
      [order()],
      { tasks: [task({ taskId: 'u' }), task({ body: '{}' })] },
    ],
    ['what was deleted and is there', [order({ done: new Set(['delete']) })], {}],
    ['a version that was seen and is lost', [order({ seen: { version: 10, status: 'completed' } })], {}],
    ['an end that was seen and is another', [order()], { tasks: [canceled], cars: [] }],
    [
      'what was confirmed and is canceled',
      [order({ done: new Set(['confirm']), seen: undefined })],
      { tasks: [canceled], cars: [] },
    ],
    ['what was canceled and is completed', [order({ done: new Set(['cancel']) })], {}],
    ['what has not ended', [], { tasks: [task({ status: 'running', resource: null })] }],
    ['what failed', [], { tasks: [task({ status: 'failed', reason: 'attempts_exhausted' })], cars: [] }],
    ['what was canceled by a deadline', [], { tasks: [{ ...canceled, reason: 'deadline' }], cars: [] }],
    [
      'an attempt that goes on',
      [],
      { tasks: [task({ attempts: [{ attempt: 1, startedMs: 1, endedMs: null, error: null }] })] },
    ],
    ['a step that is missing', [], { tasks: [task({ steps: new Map() })] }],
    ['a car that is missing', [], { cars: [] }],
    ['a car that nobody ordered', [], { tasks: [] }],
    ['a car that is held by nobody', [], { tasks: [task(), reservation] }],
    [
      'a read that nobody asked for',
      [],
      { tasks: [task({ operation: 'car.read', body: '', resource: null })], cars: [] },
    ],
    ['a step that was finished twice', [], { finishedSteps: new Map([['stamp of t', 2]]) }],
    [
      'a task that is said to have lost its worker, and has not',
      [],
      { tasks: [task({ status: 'failed', reason: 'worker_lost', resource: null })], cars: [] },
    ],
    ['a report that is none', [], { brokenReports: ['/orders/reports/1'] }],
  ])('%s', (_, orders, changes) => {
    expect(audit(orders, remains(changes))).not.toEqual([])
  })
})

test('whoever confirmed a reservation was asked to, if it is called back', () => {
  const callback = { url: 'http://127.0.0.1', events: [], base: 'http://127.0.0.1' }
  const told = { ...reservation, head: { ...reservation.head, callback } } as TaskRecord
  const receipt = { taskId: told.taskId, event: 'awaiting_confirmation', taken: 1 }
  expect(unasked([told, reservation], [receipt])).toEqual([])
  expect(unasked([told], [{ ...receipt, taken: 0 }])).toHaveLength(1)
  expect(unasked([told], [{ ...receipt, event: 'completed' }])).toHaveLength(1)
})

test('what was refused and had ended before it could be taken back is excused, if an API said so', () => {
  const refused = order({ answer: 'refused', taskId: undefined })
  expect(audit([refused], remains({ notTakenBack: new Set(['t']) }))).toEqual([])
})

test('a task that lost its worker thrice is excused', () => {
  const error = taskError('worker_lost')
  const attempts = [1, 2, 3].map((attempt) => ({ attempt, startedMs: 1, endedMs: 2, error }))
  const lost = task({ status: 'failed', reason: 'worker_lost', resource: null, attempts })
  expect(audit([order({ seen: undefined })], remains({ tasks: [lost], cars: [] }))).toEqual([])
})
