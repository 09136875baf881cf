import { describe, expect, test } from 'vitest'
import { type EndedTask, judge, type KnownDelivery } from './judge.ts'
import type { Receipt } from './receiver.ts'

const TOLD = { atMs: 0, httpStatus: 204, error: null, durationMs: 5 }
const UNANSWERED = { atMs: 0, httpStatus: null, error: 'there was no answer in time', durationMs: 2_000 }
const BROKEN = { atMs: 0, httpStatus: null, error: 'the connection was closed', durationMs: 5 }
const NOBODY: ReadonlySet<string>[] = []

function delivery(changes: Partial<KnownDelivery> = {}): KnownDelivery {
  return {
    deliveryId: 'end',
    event: 'completed',
    status: 'delivered',
    attempts: [TOLD],
    takes: 1,
    ...changes,
  }
}

function task(...deliveries: KnownDelivery[]): EndedTask {
  return { taskId: 'task', status: 'completed', wasStarted: false, deliveries }
}

function receipt(changes: Partial<Receipt> = {}): Receipt {
  return { id: 'dlv_end', taskId: 'task', event: 'completed', arrived: 1, taken: 1, lateMs: 5, ...changes }
}

test('a run in which each message came once is without fault', () => {
  const found = judge([task(delivery())], [receipt()], NOBODY)
  expect(found).toMatchObject({ expected: 1, missing: [], odd: [], duplicates: 0, unexplained: [] })
})

describe('a message is missing', () => {
  test('if it never came', () => {
    expect(judge([task(delivery())], [], NOBODY).missing).toEqual(['completed of task'])
  })

  test('if it came and was not taken', () => {
    expect(judge([task(delivery())], [receipt({ taken: 0 })], NOBODY).missing).toHaveLength(1)
  })

  test('if the task was started and only its end was told', () => {
    const started = { ...task(delivery()), wasStarted: true }
    expect(judge([started], [receipt()], NOBODY)).toMatchObject({ expected: 2, missing: ['started of task'] })
  })

  test('if its sender believes that it was delivered', () => {
    const progress = delivery({ deliveryId: 'progress', event: 'progress' })
    expect(judge([task(delivery(), progress)], [receipt()], NOBODY).missing).toEqual(['progress of task'])
  })
})

describe('odd is', () => {
  test.each([
    ['an end under two ids', receipt({ id: 'dlv_other' })],
    ['another end than that of the task', receipt({ id: 'dlv_other', event: 'failed' })],
    ['a message of no task', receipt({ id: 'dlv_other', event: 'progress', taskId: 'none' })],
  ])('%s', (_, other) => {
    expect(judge([task(delivery())], [receipt(), other], NOBODY).odd).not.toEqual([])
  })

  test('a delivery that was given up', () => {
    expect(judge([task(delivery({ status: 'failed' }))], [receipt()], NOBODY).odd).toHaveLength(1)
  })

  test('not progress that was forgotten for newer', () => {
    const progress = receipt({ id: 'dlv_progress', event: 'progress' })
    expect(judge([task(delivery())], [receipt(), progress], NOBODY).odd).toEqual([])
  })
})

describe('a message that was taken twice', () => {
  const twice = receipt({ arrived: 2, taken: 2 })

  test('is unexplained by itself', () => {
    const found = judge([task(delivery())], [twice], NOBODY)
    expect(found).toMatchObject({ duplicates: 1, byKills: 0, byConnections: 0 })
    expect(found.unexplained).toHaveLength(1)
  })

  test('is explained by an attempt whose worker was killed in it', () => {
    const found = judge([task(delivery({ takes: 2 }))], [twice], [new Set(['end'])])
    expect(found).toMatchObject({ byKills: 1, unexplained: [], lostAttempts: 1, lostWithoutKill: [] })
  })

  test('and lost with no worker killed, is told', () => {
    const found = judge([task(delivery({ takes: 2 }))], [twice], [new Set(['other'])])
    expect(found.lostWithoutKill).toHaveLength(1)
  })

  test('is explained by an attempt whose answer did not come', () => {
    const attempts = [UNANSWERED, TOLD]
    const found = judge([task(delivery({ attempts, takes: 2 }))], [twice], NOBODY)
    expect(found).toMatchObject({ byConnections: 1, unexplained: [], lostAttempts: 0 })
  })

  test('is explained by a first attempt that broke and was made once more in the same hands', () => {
    const found = judge([task(delivery({ attempts: [BROKEN, TOLD] }))], [twice], NOBODY)
    expect(found).toMatchObject({ byConnections: 1, unexplained: [], lostAttempts: 0 })
  })
})
