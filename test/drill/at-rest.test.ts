import { Contents } from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { leftOvers } from './at-rest.ts'

/** @param keys what a shard keeps: a key without its prefix, and its content flat */
function shard(keys: Record<string, string[]>): Contents {
  return new Contents([0, ...Object.entries(keys).flat()])
}

test('a shard at rest keeps counts that are zero, endpoints, and what comes to its end by time', () => {
  const kept = {
    'lane:car.build': ['waiting', '0', 'slots', '20'],
    'slots:car.build': ['worker', '20'],
    'endpoint:default http://127.0.0.1:1': ['tries', '3'],
    timers: ['probe:default http://127.0.0.1:1', '1'],
  }
  expect(leftOvers(shard(kept))).toEqual([])
})

test.each([
  ['a task that waits in a flow', { 'flow:car.build:default': ['id', '1'] }],
  ['a flow that has a turn', { 'turns:car.build': ['default', '1'] }],
  ['a running count', { 'running:car.build': ['default', '1'] }],
  ['a lane that counts waiting tasks', { 'lane:car.build': ['waiting', '1'] }],
  ['a delivery that is tried', { 'trying:id': ['dlv'] }],
  ['a failed delivery', { 'failed:default http://127.0.0.1:1': ['dlv', '1'] }],
  ['a lease', { timers: ['lease:id', '1'] }],
  ['a delivery that is due', { timers: ['due:dlv', '1'] }],
  ['an expiry whose list is gone', { expiring: ['1', '1'] }],
  ['an index entry without a record', { 'index:default': ['id', '1'] }],
  ['an Idempotency-Key of nothing', { 'key:default:digest': ['fingerprint id'] }],
  ['deliveries of nothing', { 'dlvs:id': ['dlv'], 'dlv:dlv': ['task', 'id'] }],
  ['a delivery that no task knows', { 'dlv:dlv': ['task', 'id'] }],
])('left over is %s', (_, keys) => {
  expect(leftOvers(shard(keys as unknown as Record<string, string[]>))).not.toEqual([])
})
