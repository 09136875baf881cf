import { expect, test } from 'vitest'
import {
  calledBack,
  claimTask,
  createTask,
  DELIVERED,
  endedTask,
  FAILED,
  loseWorker,
  submission,
  takeDelivery,
  terms,
  testStore,
} from '../testing/index.ts'
import { readFigures } from './figures.ts'

test('a store in which nothing has happened has no figures, and nobody has ticked', async () => {
  const { scripts } = testStore()
  const figures = await readFigures(scripts, ['test'])
  expect(figures.counters).toEqual(new Map())
  expect(figures.tickAgeMs).toBeNull()
  expect(figures.lanes).toEqual([{ lane: 'test', waiting: 0, running: 0, slots: 0 }])
  expect(figures.redis.usedBytes).toBeGreaterThan(0)
  expect(figures.redis.maxBytes).toBe(0)
})

test('what happens to tasks is counted by operation', async () => {
  const store = testStore()
  await endedTask(store, submission())
  for (let n = 0; n < 3; n += 1) await createTask(store)
  const failed = await claimTask(store)
  await store.work.retry(failed, 60_000, null)
  const lost = await claimTask(store)
  await loseWorker(store, lost.task.taskId)
  await store.upkeep.heartbeat(0, 'w', { test: 3 }, 60_000, 10)
  const { counters, lanes, tickAgeMs } = await readFigures(store.scripts, ['test', 'callbacks'])
  expect(Object.fromEntries(counters)).toMatchObject({
    'created test.run': 4,
    'attempts test.run': 3,
    'retries test.run': 1,
    'losses test.run': 1,
    'ended test.run completed ': 1,
    'tasks test.run pending': 3,
    'tasks test.run running': 0,
    'tasks test.run completed': 1,
  })
  expect(lanes).toEqual([
    { lane: 'test', waiting: 2, running: 0, slots: 3 },
    { lane: 'callbacks', waiting: 0, running: 0, slots: 0 },
  ])
  expect(tickAgeMs).toBeGreaterThanOrEqual(0)
  expect(tickAgeMs).toBeLessThan(10_000)
})

test('what has gone is counted by why it went', async () => {
  const store = testStore({ retentionMs: 86_400_000 })
  const deleted = await endedTask(store, submission())
  await endedTask(store, submission())
  await store.control.delete('default', deleted)
  await store.upkeep.tick(0, [], terms({ maxStoredBytes: 1 }))
  const { counters } = await readFigures(store.scripts, [])
  expect(Object.fromEntries(counters)).toMatchObject({
    'expired deleted': 1,
    'expired bytes': 1,
    'tasks test.run completed': 0,
    stored: 0,
  })
})

test('callbacks are counted by what became of them', async () => {
  const store = testStore()
  for (let n = 0; n < 3; n += 1) await endedTask(store, calledBack())
  await store.outbox.settle(await takeDelivery(store), DELIVERED)
  await store.outbox.settle(await takeDelivery(store), FAILED)
  const { counters, lanes } = await readFigures(store.scripts, ['callbacks'])
  expect(Object.fromEntries(counters)).toMatchObject({
    'callbacks delivered': 1,
    'callbacks failed': 1,
    callback_attempts: 2,
  })
  expect(lanes).toMatchObject([{ waiting: 1, running: 0 }])
})

test('the figures of several shards are one', async () => {
  const store = testStore({ shards: 3 })
  for (const tenant of ['a', 'b', 'c', 'd', 'e', 'f']) await store.submissions.create(submission({ tenant }))
  const filled = await Promise.all(
    [0, 1, 2].map(async (shard) => (await store.upkeep.laneState(shard, 'test')).waiting > 0),
  )
  expect(filled.filter(Boolean).length).toBeGreaterThan(1)
  const { counters, lanes } = await readFigures(store.scripts, ['test'])
  expect(counters.get('created test.run')).toBe(6)
  expect(lanes).toMatchObject([{ waiting: 6 }])
})
