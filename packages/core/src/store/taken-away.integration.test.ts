import { expect, test } from 'vitest'
import {
  claimTask,
  createTask,
  endedTask,
  onlyDelivery,
  passTime,
  terms,
  testStore,
} from '../testing/index.ts'

// An operator's slip, or a Redis that evicts.

test('a record that other hands took away holds up nobody, waiting or due', async () => {
  const store = testStore()
  const base = store.scripts.prefixOf(0)
  const taskIds = [await createTask(store), await createTask(store), await createTask(store)]
  await store.work.retry(await claimTask(store), 1_000, null)
  const last = await createTask(store)
  await store.redis.del(taskIds.map((id) => `${base}open:${id}`))
  const claims = await Promise.all([1, 2, 3].map(() => store.work.claim(0, 'test', ['test.run'])))
  expect(claims.filter((claim) => claim !== null)).toMatchObject([{ task: { taskId: last } }])
  await passTime(store, 2_000, { watched: true })
  expect(await store.upkeep.tick(0, [], terms())).toMatchObject({ done: 1, more: false })
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 1 })
})

test('so does a delivery, or the record that it tells of', async () => {
  const store = testStore()
  const base = store.scripts.prefixOf(0)
  const [first, second, third] = [await endedTask(store), await endedTask(store), await endedTask(store)]
  const { deliveryId } = await onlyDelivery(store, first)
  await store.redis.del(`${base}dlv:${deliveryId}`, `${base}done:${second}`)
  const taken = await Promise.all([1, 2, 3].map(() => store.outbox.take(0)))
  expect(taken.filter((delivery) => delivery !== null)).toMatchObject([{ task: { taskId: third } }])
  await passTime(store, 60_000, { watched: true })
  await store.upkeep.tick(0, [], terms())
  expect(await store.upkeep.laneState(0, 'callbacks')).toMatchObject({ waiting: 1, running: 0 })
})
