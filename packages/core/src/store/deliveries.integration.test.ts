import { describe, expect, test } from 'vitest'
import { shardOfId, shardOfTenant } from '../ids.ts'
import {
  COMPLETED,
  calledBack,
  contentsOf,
  createdId,
  DELIVERED,
  endedTask,
  FAILED,
  onlyDelivery,
  passTime,
  RETRY,
  type TestStore,
  takeDelivery,
  terms,
  testStore,
} from '../testing/index.ts'
import type { RecoveryScope } from './deliveries.ts'

describe('a task with callbacks', () => {
  test('does not expire while one of them is tried', async () => {
    const store = testStore({ retentionMs: 60_000 })
    const taskId = await endedTask(store)
    await store.outbox.settle(await takeDelivery(store), RETRY)
    await passTime(store, 90_000)
    expect(await store.reader.read('default', taskId)).toMatchObject({ outcome: 'task' })
    expect((await store.reader.list('default', {}, 10)).tasks).toHaveLength(1)
    await passTime(store, 60_000)
    await store.upkeep.tick(0, [], terms())
    await store.upkeep.tick(0, [], terms())
    const kept = await store.reader.read('default', taskId)
    expect(kept).toMatchObject({ outcome: 'task', task: { version: 4 } })
    await store.outbox.settle(await takeDelivery(store), DELIVERED)
    await passTime(store, 121_000)
    await store.upkeep.tick(0, [], terms())
    expect(await store.reader.read('default', taskId)).toMatchObject({ outcome: 'gone' })
    const { keys } = await contentsOf(store)
    expect(keys.filter((key) => /^(dlv|trying|failed|failing)/.test(key))).toEqual([])
  })

  test('is kept a whole retention more when one of them fails for good', async () => {
    const store = testStore({ retentionMs: 60_000 })
    const taskId = await endedTask(store)
    const held = await takeDelivery(store)
    await passTime(store, 50_000)
    await store.outbox.settle(held, FAILED)
    await passTime(store, 50_000)
    await store.upkeep.tick(0, [], terms())
    expect(await onlyDelivery(store, taskId)).toMatchObject({ status: 'failed' })
    await passTime(store, 71_000)
    await store.upkeep.tick(0, [], terms())
    expect(await store.deliveries.of('default', taskId)).toMatchObject({ outcome: 'gone' })
  })

  test.each(['waiting', 'due', 'tried', 'failed'])(
    'takes a delivery that is %s with it when it is deleted',
    async (how) => {
      const store = testStore()
      const taskId = await endedTask(store)
      const held = how === 'waiting' ? null : await takeDelivery(store)
      if (held && how !== 'tried') await store.outbox.settle(held, how === 'due' ? RETRY : FAILED)
      expect(await store.control.delete('default', taskId)).toEqual({ outcome: 'deleted' })
      if (held) expect(await store.outbox.settle(held, DELIVERED)).toBe('stale')
      await passTime(store, 10_000)
      await store.upkeep.tick(0, [], terms())
      expect(await store.outbox.take(0)).toBeNull()
      const contents = await contentsOf(store)
      expect(
        contents.keys.filter((key) => /^(dlv|trying|failed|failing|running|tenants|flow|turns)/.test(key)),
      ).toEqual([])
      expect(contents.map('endpoint:default https://shop.example').get('pending')).toBeUndefined()
      const left = await store.redis.pttl(`${store.scripts.prefixOf(0)}endpoint:default https://shop.example`)
      expect(left).not.toBe(-1)
    },
  )
})

test('the deliveries of a task are in its shard', async () => {
  const store = testStore({ shards: 2 })
  const tenants = [0, 1].map((shard) => {
    return ['one', 'two', 'three', 'four', 'five', 'six'].find((name) => shardOfTenant(name, 2) === shard)!
  })
  for (const [shard, tenant] of tenants.entries()) {
    const taskId = createdId(await store.submissions.create(calledBack({}, { tenant })))
    await store.work.end((await store.work.claim(shard, 'test'))!, COMPLETED)
    expect(await store.outbox.take(1 - shard)).toBeNull()
    const held = (await store.outbox.take(shard))!
    expect(shardOfId(held.deliveryId)).toBe(shard)
    expect(await store.outbox.settle(held, FAILED)).toBe('ok')
    expect(await store.deliveries.redeliver(tenant, taskId, held.deliveryId)).toEqual({
      outcome: 'redelivered',
    })
    expect(await store.deliveries.endpoints(tenant)).toMatchObject([{ backlog: 1 }])
    await store.outbox.settle((await store.outbox.take(shard))!, DELIVERED)
  }
})

describe('asking for a delivery again', () => {
  test.each(['delivered', 'failed', 'due'])(
    'tries one that is %s now, with the full schedule after it',
    async (how) => {
      const store = testStore()
      const taskId = await endedTask(store)
      const held = await takeDelivery(store)
      await store.outbox.settle(held, how === 'delivered' ? DELIVERED : how === 'failed' ? FAILED : RETRY)
      expect(await store.deliveries.redeliver('default', taskId, held.deliveryId)).toEqual({
        outcome: 'redelivered',
      })
      expect(await onlyDelivery(store, taskId)).toMatchObject({ status: 'pending', nextAttemptMs: null })
      const again = await takeDelivery(store)
      expect(again).toMatchObject({ deliveryId: held.deliveryId, tries: 1, stage: 0 })
      await store.outbox.settle(again, DELIVERED)
      expect(await onlyDelivery(store, taskId)).toMatchObject({ status: 'delivered', attempts: [{}, {}] })
    },
  )

  test('while it is tried has it tried once more, should that fail', async () => {
    const store = testStore()
    const taskId = await endedTask(store)
    const held = await takeDelivery(store)
    await store.deliveries.redeliver('default', taskId, held.deliveryId)
    await store.outbox.settle(held, FAILED)
    expect(await takeDelivery(store)).toMatchObject({ tries: 1, stage: 0 })
  })

  test.each(['delivered', 'failed', 'tried'])(
    'sends progress that is %s again, though there is newer word of the task and its end',
    async (how) => {
      const store = testStore()
      const asked = calledBack({ events: ['progress'] })
      const taskId = createdId(await store.submissions.create(asked))
      const claim = (await store.work.claim(0, 'test'))!
      await store.work.progress(claim, 10)
      const held = await takeDelivery(store)
      if (how !== 'tried') await store.outbox.settle(held, how === 'delivered' ? DELIVERED : FAILED)
      await store.work.end(claim, COMPLETED)
      await store.deliveries.redeliver('default', taskId, held.deliveryId)
      if (how === 'tried') await store.outbox.settle(held, RETRY)
      const again = await takeDelivery(store)
      expect(again).toMatchObject({ deliveryId: held.deliveryId, task: { progress: 10 } })
      await store.outbox.settle(again, RETRY)
      await passTime(store, 10_000)
      await store.upkeep.tick(0, [], terms())
      await store.outbox.settle(await takeDelivery(store), DELIVERED)
      expect(await onlyDelivery(store, taskId)).toMatchObject({ status: 'delivered' })
    },
  )

  test('of another task or tenant changes nothing', async () => {
    const store = testStore()
    const [one, other] = [await endedTask(store), await endedTask(store)]
    const { deliveryId } = await onlyDelivery(store, one)
    expect(await store.deliveries.redeliver('default', other, deliveryId)).toEqual({ outcome: 'no_delivery' })
    expect(await store.deliveries.redeliver('else', one, deliveryId)).toEqual({ outcome: 'unknown' })
    expect(await store.deliveries.of('else', one)).toEqual({ outcome: 'unknown' })
    const open = createdId(await store.submissions.create(calledBack({ events: ['started'] })))
    await store.work.claim(0, 'test')
    const { deliveryId: started } = await onlyDelivery(store, open)
    expect(await store.deliveries.redeliver('else', open, started)).toEqual({ outcome: 'unknown' })
    expect(await store.deliveries.of('else', open)).toEqual({ outcome: 'unknown' })
  })
})

describe('a recovery', () => {
  const withFailed = async (store: TestStore, count: number): Promise<string[]> => {
    const failed: string[] = []
    for (let n = 0; n < count; n += 1) {
      failed.push(await endedTask(store))
      await store.outbox.settle(await takeDelivery(store), { ...FAILED, health: 'so_so' })
    }
    return failed
  }
  const ALL = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER }
  const recover = ({ deliveries }: TestStore, scope: Partial<RecoveryScope>, most: number, name = 'one') =>
    deliveries.recover('default', name, { ...ALL, ...scope }, most)

  test('tries the failed anew, the oldest first, behind all others, no more at once than may wait', async () => {
    const store = testStore()
    const failed = await withFailed(store, 4)
    const fresh = await endedTask(store)
    expect(await recover(store, {}, 3)).toEqual({ tried: 2, left: 2 })
    expect(await recover(store, {}, 3)).toEqual({ tried: 2, left: 2 })
    const later = await endedTask(store)
    const next = [await takeDelivery(store), await takeDelivery(store), await takeDelivery(store)]
    expect(next.map(({ task }) => task.taskId)).toEqual([fresh, later, failed[0]])
    expect(await recover(store, { origin: 'https://shop.example' }, 9)).toEqual({ tried: 4, left: 0 })
  })

  test('keeps to its tenant, its endpoint and its time', async () => {
    const store = testStore()
    await withFailed(store, 2)
    const first = (await onlyDelivery(store, (await withFailed(store, 1))[0]!)).deliveryId
    const at = Number(await store.redis.hget(`${store.scripts.prefixOf(0)}dlv:${first}`, 'at'))
    const nothing = { tried: 0, left: 0 }
    expect(await recover(store, { origin: 'https://else.example' }, 9, 'two')).toEqual(nothing)
    expect(await recover(store, { sinceMs: at + 1 }, 9, 'three')).toEqual(nothing)
    expect(await store.deliveries.recover('other', 'four', ALL, 9)).toEqual(nothing)
    expect((await recover(store, { sinceMs: at }, 9, 'five')).tried).toBeGreaterThan(0)
    expect((await recover(store, { untilMs: at }, 9, 'six')).left).toBe(0)
  })

  test('takes none twice, though it may fail again at once, and nothing that came after it began', async () => {
    const store = testStore()
    const failed = await withFailed(store, 7)
    // Of one moment.
    const ids = await Promise.all(
      failed.map(async (taskId) => (await onlyDelivery(store, taskId)).deliveryId),
    )
    for (const id of ids) {
      await store.redis.hset(`${store.scripts.prefixOf(0)}dlv:${id}`, 'at', 1_000)
      await store.redis.zadd(`${store.scripts.prefixOf(0)}failed:default https://shop.example`, 1_000, id)
    }
    const tried: string[] = []
    for (let left = 7; left > 0; ) {
      ;({ left } = await recover(store, {}, 2))
      for (let held = await store.outbox.take(0); held; held = await store.outbox.take(0)) {
        tried.push(held.deliveryId)
        await store.outbox.settle(held, { ...FAILED, health: 'so_so' })
      }
      if (tried.length === 2) await withFailed(store, 1)
    }
    expect(tried).toEqual(ids.toSorted())
    expect(await recover(store, {}, 9)).toEqual({ tried: 7, left: 0 })
    expect(await recover(store, {}, 9, 'another')).toEqual({ tried: 8, left: 0 })
  })

  test('has one wait at an endpoint that is not well', async () => {
    const store = testStore()
    for (let n = 0; n < 5; n += 1) await endedTask(store)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await takeDelivery(store), FAILED)
    expect(await recover(store, {}, 9)).toEqual({ tried: 1, left: 4 })
    expect(await recover(store, {}, 9)).toEqual({ tried: 1, left: 4 })
  })
})
