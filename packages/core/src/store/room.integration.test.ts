import { describe, expect, test } from 'vitest'
import {
  calledBack,
  contentsOf,
  DELIVERED,
  endedTask,
  FAILED,
  passTime,
  submission,
  type TestStore,
  takeDelivery,
  terms,
  testStore,
} from '../testing/index.ts'

async function outcomesOf({ reader }: TestStore, taskIds: string[]): Promise<string[]> {
  return Promise.all(taskIds.map(async (id) => (await reader.read('default', id)).outcome))
}

async function endedTasks(store: TestStore, count: number): Promise<string[]> {
  const taskIds: string[] = []
  for (let n = 0; n < count; n += 1) taskIds.push(await endedTask(store, submission()))
  return taskIds
}

describe('a shard that stores more than it may', () => {
  test('expires the records that ended first, no more than it has to, and keeps their tombstones', async () => {
    const store = testStore({ retentionMs: 86_400_000 })
    const earlier = await endedTasks(store, 3)
    await passTime(store, 120_000)
    const later = await endedTasks(store, 3)
    const contents = await contentsOf(store)
    const kept = later.slice(-2).reduce((sum, id) => sum + contents.storedBytesOf(id), 0)
    const terse = terms({ maxStoredBytes: kept + 1 })
    expect(await store.upkeep.tick(0, [], terse)).toEqual({ done: 4, more: false, madeRoom: 4 })
    expect(await outcomesOf(store, [...earlier, ...later])).toEqual([
      ...Array(4).fill('gone'),
      ...Array(2).fill('task'),
    ])
    expect(Number((await contentsOf(store)).map('figures').get('stored'))).toBe(kept)
    expect(await store.upkeep.tick(0, [], terse)).toEqual({ done: 0, more: false, madeRoom: 0 })
  })

  test('leaves everything alone that has not ended', async () => {
    const store = testStore()
    const ended = await endedTask(store, submission())
    await store.submissions.create(submission())
    expect(await store.upkeep.tick(0, [], terms({ maxStoredBytes: 1 }))).toMatchObject({ madeRoom: 1 })
    expect(await outcomesOf(store, [ended])).toEqual(['gone'])
    expect((await contentsOf(store)).open.size).toBe(1)
  })

  test('works off what is too much in bounded passes', async () => {
    const store = testStore()
    await Promise.all(Array.from({ length: 210 }, () => store.submissions.create(submission())))
    for (let n = 0; n < 210; n += 1) {
      const claim = await store.work.claim(0, 'test')
      await store.work.end(claim!, {
        status: 'completed',
        reason: null,
        result: null,
        resource: null,
        error: null,
      })
    }
    const terse = terms({ maxStoredBytes: 1 })
    expect(await store.upkeep.tick(0, [], terse)).toEqual({ done: 200, more: true, madeRoom: 200 })
    expect(await store.upkeep.tick(0, [], terse)).toEqual({ done: 10, more: false, madeRoom: 10 })
  })

  test('counts deliveries, with their attempts', async () => {
    const store = testStore()
    await endedTask(store, calledBack({ events: ['started', 'completed'] }))
    await store.outbox.settle(await takeDelivery(store), FAILED)
    const contents = await contentsOf(store)
    expect(contents.keys.filter((key) => key.startsWith('dlv:'))).toHaveLength(2)
    expect(Number(contents.map('figures').get('stored'))).toBe(contents.storedBytes)
  })

  test('passes over those whose callbacks are tried, until they are not', async () => {
    const store = testStore()
    const told = await endedTask(store, calledBack())
    const quiet = await endedTask(store, submission())
    const terse = terms({ maxStoredBytes: 1 })
    expect(await store.upkeep.tick(0, [], terse)).toMatchObject({ done: 2, madeRoom: 1 })
    expect(await outcomesOf(store, [told, quiet])).toEqual(['task', 'gone'])
    expect(await store.upkeep.tick(0, [], terse)).toEqual({ done: 0, more: false, madeRoom: 0 })
    await store.outbox.settle(await takeDelivery(store), DELIVERED)
    expect(await store.upkeep.tick(0, [], terse)).toMatchObject({ madeRoom: 1 })
    expect(await outcomesOf(store, [told])).toEqual(['gone'])
    expect((await contentsOf(store)).map('figures').get('stored')).toBe('0')
  })

  test('forgets none that it passed over: when its time is over, it expires', async () => {
    const store = testStore({ retentionMs: 60_000 })
    const told = await endedTask(store, calledBack())
    await store.upkeep.tick(0, [], terms({ maxStoredBytes: 1 }))
    const delivery = await takeDelivery(store)
    await passTime(store, 180_000)
    expect(await outcomesOf(store, [told])).toEqual(['task'])
    await store.outbox.settle(delivery, DELIVERED)
    await store.upkeep.tick(0, [], terms())
    expect(await outcomesOf(store, [told])).toEqual(['gone'])
    expect((await contentsOf(store)).done.size).toBe(0)
  })
})

test('without a limit nothing goes before its time', async () => {
  const store = testStore()
  const taskIds = await endedTasks(store, 3)
  expect(await store.upkeep.tick(0, [], terms({ maxStoredBytes: 0 }))).toMatchObject({ madeRoom: 0 })
  expect(await outcomesOf(store, taskIds)).toEqual(['task', 'task', 'task'])
})
