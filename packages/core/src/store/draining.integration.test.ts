import { expect, test } from 'vitest'
import {
  COMPLETED,
  claimTask,
  createTask,
  passTime,
  type TestStore,
  terms,
  testStore,
} from '../testing/index.ts'

async function waitingTasks(store: TestStore, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => createTask(store)))
}

async function drainedOf(store: TestStore): Promise<number[]> {
  const { drained } = await store.upkeep.laneState(0, 'test')
  return drained.map(({ left }) => left)
}

test('what leaves a lane in which others wait is counted by stretches of time, the latest first', async () => {
  const store = testStore()
  await waitingTasks(store, 12)
  expect(await drainedOf(store)).toEqual([])
  await Promise.all([1, 2, 3].map(() => claimTask(store)))
  expect(await drainedOf(store)).toEqual([3])
  await passTime(store, 5_000)
  await Promise.all([1, 2].map(() => claimTask(store)))
  expect(await drainedOf(store)).toEqual([2, 3])
  const { nowMs, drained } = await store.upkeep.laneState(0, 'test')
  expect(nowMs - drained[0]!.beganMs).toBeLessThan(4_000)
  expect(drained[0]!.beganMs - drained[1]!.beganMs).toBeGreaterThanOrEqual(5_000)
  // A claim that finds nothing, and one of another lane, count for nothing.
  await store.work.claim(0, 'other')
  expect(await drainedOf(store)).toEqual([2, 3])
})

test('no more than the last sixteen stretches are kept', async () => {
  const store = testStore()
  await waitingTasks(store, 22)
  for (let n = 0; n < 20; n += 1) {
    await claimTask(store)
    await passTime(store, 2_000)
  }
  expect(await drainedOf(store)).toEqual(Array(16).fill(1))
})

test('a lane in which nothing waits any more is forgotten: how it drained then tells nothing', async () => {
  const store = testStore()
  await waitingTasks(store, 3)
  await claimTask(store)
  await claimTask(store)
  expect(await drainedOf(store)).toEqual([2])
  await claimTask(store)
  expect(await drainedOf(store)).toEqual([])
})

test('a task that comes back to be tried again leaves no more room', async () => {
  const store = testStore()
  await waitingTasks(store, 4)
  const claim = await claimTask(store)
  await store.work.retry(claim, 0, null)
  await store.upkeep.tick(0, ['test'], terms())
  const again = await claimTask(store)
  expect(again.task.taskId).toBe(claim.task.taskId)
  expect(await drainedOf(store)).toEqual([1])
  await store.work.end(again, COMPLETED)
  await claimTask(store)
  expect(await drainedOf(store)).toEqual([2])
})
