import { describe, expect, test } from 'vitest'
import {
  COMPLETED,
  calledBack,
  DELIVERED,
  endedTask,
  OUTBOX_TERMS,
  onlyDelivery,
  passTime,
  RETRY,
  type TestStore,
  takeDelivery,
  terms,
  testStore,
} from '../testing/index.ts'
import type { HeldDelivery, Verdict } from './outbox.ts'
import { Scripts } from './scripts.ts'
import { Upkeep } from './upkeep.ts'
import { Work } from './work.ts'

const URL = 'https://shop.example/hook'

describe('an endpoint', () => {
  test('has no more deliveries under way than its cap; others are not held up', async () => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { callbacks: 100 }, 60_000, 3)
    for (let n = 0; n < 5; n += 1) await endedTask(store)
    await endedTask(store, calledBack({ url: 'https://other.example/hook' }))
    const held = [
      await takeDelivery(store),
      await takeDelivery(store),
      await takeDelivery(store),
      await takeDelivery(store),
    ]
    const origins = held.map(({ task }) => task.head.callback!.url)
    expect(origins.filter((url) => url === URL)).toHaveLength(3)
    expect(await store.outbox.take(0)).toBeNull()
    await store.outbox.settle(held.find(({ task }) => task.head.callback!.url === URL)!, DELIVERED)
    expect((await takeDelivery(store)).task.head.callback!.url).toBe(URL)
  })

  test('wants as many jobs as it may be sent deliveries at once, and one for each whose worker is lost', async () => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { callbacks: 100 }, 60_000, 3)
    let wanted = 0
    const add = (_shard: number, lane: string, count: number) => {
      if (lane === 'callbacks') wanted += count
    }
    const scripts = new Scripts(store.redis, store.prefix, { add })
    const counted = { ...store, work: new Work(scripts, 60_000), upkeep: new Upkeep(scripts, store.jobs) }
    for (let n = 0; n < 20; n += 1) await endedTask(counted)
    expect(wanted).toBe(3)
    for (let n = 0; n < 3; n += 1) await takeDelivery(store)
    await passTime(store, 20_000, { watched: true })
    await counted.upkeep.tick(0, [], terms())
    expect(wanted).toBeGreaterThanOrEqual(6)
  })

  test('that does not answer is let alone, then probed by one delivery, twice as rarely each time', async () => {
    const store = testStore()
    for (let n = 0; n < 20; n += 1) await endedTask(store)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await takeDelivery(store), RETRY)
    expect(await store.outbox.take(0)).toBeNull()
    const [shut] = await store.deliveries.endpoints('default')
    expect(shut).toMatchObject({
      origin: 'https://shop.example',
      breaker: 'open',
      backlog: 20,
      waiting: 15,
      successRate: 0,
    })
    expect(shut!.lastError).toMatchObject({ error: 'it answered 500' })

    const pause = async (seconds: number) => {
      await passTime(store, seconds * 1000)
      await store.upkeep.tick(0, [], terms())
    }
    await pause(5)
    await store.outbox.settle(await takeDelivery(store), RETRY)
    expect(await store.outbox.take(0)).toBeNull()
    await pause(9)
    expect(await store.outbox.take(0)).toBeNull()
    await pause(1)
    const probe = await takeDelivery(store)
    expect(await store.outbox.take(0)).toBeNull()
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('half_open')
    await store.outbox.settle(probe, DELIVERED)
    const two = [await takeDelivery(store), await takeDelivery(store)]
    expect(await store.outbox.take(0)).toBeNull()
    for (const held of two) await store.outbox.settle(held, DELIVERED)
    await store.outbox.settle(await takeDelivery(store), DELIVERED)
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('closed')
  })

  test('is let alone for a minute at most, however often it is probed in vain', async () => {
    const store = testStore()
    for (let n = 0; n < 11; n += 1) await endedTask(store)
    for (let n = 0; n < 4; n += 1) await store.outbox.settle(await takeDelivery(store), RETRY)
    const pauses: number[] = []
    for (let n = 0; n < 6; n += 1) {
      await store.outbox.settle(await takeDelivery(store), RETRY)
      const [shut] = await store.deliveries.endpoints('default')
      pauses.push((shut!.probeMs! - shut!.lastError!.atMs) / 1000)
      await passTime(store, pauses[n]! * 1000)
      await store.upkeep.tick(0, [], terms())
    }
    expect(pauses).toEqual([5, 10, 20, 40, 60, 60])
  })

  test('is let alone for failures in a row only', async () => {
    const store = testStore()
    for (let n = 0; n < 9; n += 1) await endedTask(store)
    const ills = Array.from({ length: 4 }, () => RETRY)
    for (const verdict of [...ills, DELIVERED, ...ills])
      await store.outbox.settle(await takeDelivery(store), verdict)
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('closed')
  })

  test('is not forgotten while a delivery to it is tried, nor kept after that', async () => {
    const store = testStore()
    await endedTask(store)
    const lifetime = () =>
      store.redis.pttl(`${store.scripts.prefixOf(0)}endpoint:default https://shop.example`)
    await store.outbox.settle(await takeDelivery(store), { ...RETRY, delayMs: 30 * 24 * 3_600_000 })
    expect(await lifetime()).toBe(-1)
    await passTime(store, 31 * 24 * 3_600_000)
    await store.upkeep.tick(0, [], terms())
    await store.outbox.settle(await takeDelivery(store), DELIVERED)
    expect(await lifetime()).toBeGreaterThan(6 * 24 * 3_600_000)
    await endedTask(store)
    expect(await lifetime()).toBe(-1)
  })

  test('that answers again, if not as it should, is let in again', async () => {
    const store = testStore()
    for (let n = 0; n < 12; n += 1) await endedTask(store)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await takeDelivery(store), RETRY)
    await passTime(store, 5_000)
    await store.upkeep.tick(0, [], terms())
    for (let n = 0; n < 5; n += 1)
      await store.outbox.settle(await takeDelivery(store), { ...RETRY, health: 'so_so' })
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('closed')
  })

  test('that answers, if not as it should, is not let alone', async () => {
    const store = testStore()
    for (let n = 0; n < 8; n += 1) await endedTask(store)
    for (let n = 0; n < 7; n += 1)
      await store.outbox.settle(await takeDelivery(store), { ...RETRY, health: 'so_so' })
    expect(await store.outbox.take(0)).not.toBeNull()
  })

  test('fails what has waited as long as the whole schedule, if it did not answer in all that time', async () => {
    const store = testStore()
    for (let n = 0; n < 6; n += 1) await endedTask(store)
    const old = await endedTask(store)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await takeDelivery(store), RETRY)
    await passTime(store, OUTBOX_TERMS.wholeScheduleMs)
    const fresh = await endedTask(store)
    await store.upkeep.tick(0, [], terms())
    await store.outbox.settle(await takeDelivery(store), RETRY)
    const left = await onlyDelivery(store, old)
    expect(left).toMatchObject({
      status: 'failed',
      attempts: [{ httpStatus: null, error: expect.stringContaining('not tried') }],
    })
    expect((await onlyDelivery(store, fresh)).status).toBe('pending')
  })

  test('fails nothing of what waited for other reasons, such as that no worker was there', async () => {
    const store = testStore()
    const waiting = []
    for (let n = 0; n < 7; n += 1) waiting.push(await endedTask(store))
    await passTime(store, 2 * OUTBOX_TERMS.wholeScheduleMs)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await takeDelivery(store), RETRY)
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('open')
    for (const taskId of waiting) expect((await onlyDelivery(store, taskId)).status).toBe('pending')
  })
})

describe('a tenant with many endpoints', () => {
  const urlOf = ({ task }: HeldDelivery) => task.head.callback!.url
  const all = async ({ outbox }: TestStore) => {
    const held: HeldDelivery[] = []
    for (let next = await outbox.take(0); next; next = await outbox.take(0)) held.push(next)
    return held
  }
  const slow = (verdict: Verdict): Verdict => ({
    ...verdict,
    ...('attempt' in verdict && { attempt: { ...verdict.attempt, durationMs: 15_000 } }),
  })
  const to = (store: TestStore, name: string) =>
    endedTask(store, calledBack({ url: `https://${name}.example/` }))
  /** Eight slots; receivers that answered at once, as far as is known. */
  const withQuick = async (...names: string[]) => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { callbacks: 8 }, 60_000, 10)
    for (const name of names) {
      await to(store, name)
      await store.outbox.settle(await takeDelivery(store), DELIVERED)
    }
    return store
  }

  test('leaves slots to others', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `quick-${n}`)
    const store = await withQuick(...names)
    for (const name of names) await to(store, name)
    await endedTask(store, calledBack({}, { tenant: 'other' }))
    const held = await all(store)
    expect(held.map(({ task }) => task.tenant).sort()).toEqual([...Array(6).fill('default'), 'other'])
    await store.outbox.settle(held.find(({ task }) => task.tenant === 'default')!, DELIVERED)
    expect((await takeDelivery(store)).task.tenant).toBe('default')
    expect(await store.outbox.take(0)).toBeNull()
  })

  test('of which no quick answer is known leaves slots to those that answer quickly', async () => {
    const store = await withQuick('quick')
    for (let n = 0; n < 12; n += 1) await to(store, `dead-${n}`)
    for (let n = 0; n < 9; n += 1) await to(store, 'quick')
    const held = await all(store)
    expect(held.filter((each) => urlOf(each) === 'https://quick.example/')).toHaveLength(3)
    expect(held).toHaveLength(6)
    for (const each of held.filter((one) => urlOf(one) === 'https://quick.example/')) {
      await store.outbox.settle(each, DELIVERED)
      expect(urlOf(await takeDelivery(store))).toBe('https://quick.example/')
      expect(await store.outbox.take(0)).toBeNull()
    }
    const dead = held.filter((each) => urlOf(each) !== 'https://quick.example/')
    for (const each of dead) await store.outbox.settle(each, slow(RETRY))
    const next = await all(store)
    expect(next.filter((each) => urlOf(each) !== 'https://quick.example/').length).toBeGreaterThan(0)
  })

  test('tries those that were never tried before those that are known to be slow', async () => {
    const store = await withQuick()
    for (let n = 0; n < 3; n += 1) await to(store, `slow-${n}`)
    for (const each of await all(store)) await store.outbox.settle(each, slow(DELIVERED))
    for (let n = 0; n < 3; n += 1) for (let m = 0; m < 3; m += 1) await to(store, `slow-${n}`)
    const held = await all(store)
    expect(held).toHaveLength(3)
    await to(store, 'new')
    expect(await store.outbox.take(0)).toBeNull()
    await store.outbox.settle(held[0]!, slow(DELIVERED))
    expect(urlOf(await takeDelivery(store))).toBe('https://new.example/')
  })

  test('counts one as quick from its first quick answer on, until two in a row are none', async () => {
    const store = await withQuick()
    for (let n = 0; n < 8; n += 1) await to(store, 'one')
    const held = await all(store)
    expect(held).toHaveLength(3)
    await store.outbox.settle(held[0]!, DELIVERED)
    const more = await all(store)
    expect(more).toHaveLength(4)
    await store.outbox.settle(held[1]!, slow(DELIVERED))
    expect(await all(store)).toHaveLength(1)
    await store.outbox.settle(held[2]!, slow(DELIVERED))
    for (let n = 0; n < 8; n += 1) await to(store, 'one')
    expect(await all(store)).toHaveLength(0)
    for (const each of more) await store.outbox.settle(each, slow(DELIVERED))
    expect(await all(store)).toHaveLength(2)
  })
})

test('a tenant at its cap with hundreds of endpoints is passed over in a few calls, and its other endpoints come on', async () => {
  const store = testStore()
  const many = <T>(act: (n: number) => Promise<T>) =>
    Promise.all(Array.from({ length: 450 }, (_, n) => act(n)))
  await many((n) => store.submissions.create(calledBack({ url: `https://dead-${n}.example/` })))
  await many(async () => store.work.end((await store.work.claim(0, 'test'))!, COMPLETED))
  await endedTask(store, calledBack({}, { tenant: 'other' }))
  await store.upkeep.heartbeat(0, 'w', { callbacks: 1 }, 60_000, 10)
  const first = await takeDelivery(store)
  const next = await store.outbox.take(0)
  expect(next).toBeNull()
  await expect.poll(() => store.outbox.take(0)).toMatchObject({ task: { tenant: 'other' } })
  await store.outbox.settle(first, DELIVERED)
  expect((await takeDelivery(store)).task.tenant).toBe('default')
})

test('a flow that stands aside in vain holds up none that stands behind it', async () => {
  const store = testStore()
  await store.upkeep.heartbeat(0, 'w', { callbacks: 1 }, 60_000, 10)
  await endedTask(store)
  const held = await takeDelivery(store)
  const deleted = await endedTask(store, calledBack({ url: 'https://deleted.example/' }))
  expect(await store.outbox.take(0)).toBeNull()
  await endedTask(store, calledBack({ url: 'https://behind.example/' }))
  expect(await store.outbox.take(0)).toBeNull()
  await store.control.delete('default', deleted)
  await store.outbox.settle(held, RETRY)
  expect((await takeDelivery(store)).task.head.callback!.url).toBe('https://behind.example/')
})
