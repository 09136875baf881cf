import { startLocalRedis } from '@accepted/local-redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { shardOfId, shardOfTenant } from '../ids.ts'
import {
  calledBack,
  contentsOf,
  createdId,
  OUTBOX_TERMS,
  passTime,
  submission,
  type TestStore,
  terms,
  testStore,
} from '../testing/index.ts'
import type { RecoveryScope } from './deliveries.ts'
import { StoreUnavailable } from './outage.ts'
import type { DeliveryAttempt, HeldDelivery, Verdict } from './outbox.ts'
import { Scripts } from './scripts.ts'
import { Upkeep } from './upkeep.ts'
import { type Ending, Work } from './work.ts'

const URL = 'https://shop.example/hook'
const COMPLETED: Ending = {
  status: 'completed',
  reason: null,
  result: '{"sum":1}',
  resource: null,
  error: null,
}

async function ended(store: TestStore, submitted = calledBack()): Promise<string> {
  const taskId = createdId(await store.submissions.create(submitted))
  await store.work.end((await store.work.claim(0, 'test'))!, COMPLETED)
  return taskId
}

function attempt(changes: Partial<DeliveryAttempt> = {}): DeliveryAttempt {
  return { atMs: 1_763_678_400_000, httpStatus: 500, error: 'it answered 500', durationMs: 12, ...changes }
}

const DELIVERED: Verdict = {
  follows: 'delivered',
  attempt: attempt({ httpStatus: 204, error: null }),
  health: 'well',
}
const RETRY: Verdict = { follows: 'retry', delayMs: 5_000, attempt: attempt(), health: 'ill' }
const FAILED: Verdict = { follows: 'failed', attempt: attempt(), health: 'ill' }

async function taken({ outbox }: TestStore): Promise<HeldDelivery> {
  const delivery = await outbox.take(0)
  if (!delivery) throw new Error('no delivery is to be tried')
  return delivery
}

async function only(store: TestStore, taskId: string) {
  const found = await store.deliveries.of('default', taskId)
  if (found.outcome !== 'task') throw new Error(found.outcome)
  expect(found.deliveries).toHaveLength(1)
  return found.deliveries[0]!
}

test('the message of an ending is there as soon as the task has ended, and tells of it as it was', async () => {
  const store = testStore()
  const taskId = await ended(store)
  const delivery = await taken(store)
  expect(delivery).toMatchObject({ event: 'completed', tries: 0, stage: 0, resultLeftOut: false })
  expect(delivery.task).toMatchObject({ taskId, status: 'completed', result: '{"sum":1}', progress: 100 })
  expect(delivery.task.body).toBeUndefined()
  expect(await store.outbox.settle(delivery, DELIVERED)).toBe('ok')
  expect(await only(store, taskId)).toMatchObject({
    deliveryId: delivery.deliveryId,
    status: 'delivered',
    nextAttemptMs: null,
    attempts: [{ httpStatus: 204, error: null, durationMs: 12 }],
  })
  expect(await store.outbox.take(0)).toBeNull()
})

describe('events', () => {
  test('only those that were asked for are told', async () => {
    const store = testStore()
    const quiet = await ended(store, calledBack({ events: ['failed', 'started'] }))
    expect((await taken(store)).event).toBe('started')
    expect(await store.outbox.take(0)).toBeNull()
    expect((await only(store, quiet)).event).toBe('started')
    await ended(store, submission())
    await ended(store, calledBack({ events: [] }))
    expect(await store.outbox.take(0)).toBeNull()
  })

  test('a start that is told late still tells of the start', async () => {
    const store = testStore()
    await ended(store, calledBack({ events: ['started', 'completed'] }))
    const [start, end] = [await taken(store), await taken(store)]
    expect(start).toMatchObject({ event: 'started', task: { status: 'running', version: 2, progress: 0 } })
    expect(end).toMatchObject({ event: 'completed', task: { status: 'completed', version: 3 } })
    expect(start.eventMs).toBe(start.task.updatedMs)
  })

  test('a start is told once, however many attempts there are', async () => {
    const store = testStore()
    createdId(await store.submissions.create(calledBack({ events: ['started'] })))
    await store.work.retry((await store.work.claim(0, 'test'))!, 0, null)
    await store.upkeep.tick(0, [], terms())
    expect(await store.work.claim(0, 'test')).not.toBeNull()
    expect((await taken(store)).task.attempt).toBe(1)
    expect(await store.outbox.take(0)).toBeNull()
  })

  test('a task that awaits confirmation says what it made and how long it waits', async () => {
    const store = testStore()
    const { limits } = submission()
    const asked = calledBack({}, { limits: { ...limits, confirmMs: 60_000 } })
    const taskId = await ended(store, asked)
    const { event, task } = await taken(store)
    expect(event).toBe('awaiting_confirmation')
    expect(task).toMatchObject({ status: 'awaiting_confirmation', result: '{"sum":1}' })
    expect(task.confirmByMs).toBeGreaterThan(task.updatedMs)
    await store.control.confirm('default', taskId)
    expect((await taken(store)).event).toBe('completed')
  })

  test.each(['client', 'deadline'] as const)('a cancellation by %s is told', async (by) => {
    const store = testStore()
    const { limits } = submission()
    const asked = calledBack({}, { limits: { ...limits, totalMs: 60_000 } })
    const taskId = createdId(await store.submissions.create(asked))
    if (by === 'client') await store.control.cancel('default', taskId)
    else {
      await passTime(store, 61_000)
      await store.upkeep.tick(0, [], terms())
    }
    expect(await taken(store)).toMatchObject({ event: 'canceled', task: { reason: by } })
  })

  test('progress is told at most once in 500 ms, the newest', async () => {
    const store = testStore()
    const taskId = createdId(await store.submissions.create(calledBack({ events: ['progress'] })))
    const claim = (await store.work.claim(0, 'test'))!
    await store.work.progress(claim, 10)
    const first = await taken(store)
    expect(first.task.progress).toBe(10)
    for (const percent of [20, 30, 40]) await store.work.progress(claim, percent)
    await store.upkeep.tick(0, [], terms())
    expect(await store.outbox.take(0)).toBeNull()
    const waiting = await store.deliveries.of('default', taskId)
    expect(waiting).toMatchObject({ deliveries: [{}, { nextAttemptMs: first.eventMs + 500 }] })
    await passTime(store, 1_000)
    await store.upkeep.tick(0, [], terms())
    expect((await taken(store)).task).toMatchObject({ progress: 40, status: 'running' })
    expect(await store.outbox.take(0)).toBeNull()
    await store.work.end(claim, COMPLETED)
    expect(await store.outbox.take(0)).toBeNull()
    const found = await store.deliveries.of('default', taskId)
    expect(found).toMatchObject({ deliveries: [{ event: 'progress' }, { event: 'progress' }] })
  })

  test('a step that finishes is progress', async () => {
    const store = testStore()
    const { head } = calledBack({ events: ['progress'] })
    createdId(await store.submissions.create(submission({ head: { ...head, steps: ['one', 'two'] } })))
    const claim = (await store.work.claim(0, 'test'))!
    await store.work.step(claim, 'one', 'begun')
    expect(await store.outbox.take(0)).toBeNull()
    await store.work.step(claim, 'one', 'finished', '1')
    expect(await taken(store)).toMatchObject({ event: 'progress', task: { progress: 50 } })
  })

  test('progress of which there is newer word, or an end, is not told again', async () => {
    const store = testStore()
    const taskId = createdId(await store.submissions.create(calledBack({ events: ['progress'] })))
    const claim = (await store.work.claim(0, 'test'))!
    await store.work.progress(claim, 10)
    await store.outbox.settle(await taken(store), RETRY)
    await passTime(store, 1_000)
    await store.work.progress(claim, 20)
    await passTime(store, 10_000)
    await store.upkeep.tick(0, [], terms())
    expect((await only(store, taskId)).attempts).toEqual([])
    expect((await taken(store)).task.progress).toBe(20)
    await store.work.end(claim, COMPLETED)
    await passTime(store, 20_000)
    await store.upkeep.tick(0, [], terms())
    expect(await store.outbox.take(0)).toBeNull()
  })

  test('progress that is outdated while it is tried, or while it waits for its turn, is not told again', async () => {
    const store = testStore()
    const taskId = createdId(await store.submissions.create(calledBack({ events: ['progress'] })))
    const claim = (await store.work.claim(0, 'test'))!
    await store.work.progress(claim, 10)
    await store.outbox.settle(await taken(store), RETRY)
    await passTime(store, 10_000)
    await store.upkeep.tick(0, [], terms())
    await store.work.progress(claim, 20)
    await passTime(store, 1_000)
    await store.upkeep.tick(0, [], terms())
    const newer = await taken(store)
    expect(newer.task.progress).toBe(20)
    expect((await only(store, taskId)).deliveryId).toBe(newer.deliveryId)
    await store.work.end(claim, COMPLETED)
    await store.outbox.settle(newer, RETRY)
    expect(await store.deliveries.of('default', taskId)).toMatchObject({ deliveries: [] })
  })

  test('of progress that was told the last hundred messages stay, of what was told in vain none', async () => {
    const store = testStore()
    const asked = calledBack({ events: ['started', 'progress', 'completed'] })
    const taskId = createdId(await store.submissions.create(asked))
    const claim = (await store.work.claim(0, 'test'))!
    await store.outbox.settle(await taken(store), DELIVERED)
    for (let n = 1; n < 120; n += 1) {
      await store.work.progress(claim, n / 2)
      // As if half a second had gone by.
      await store.redis.hset(`${store.scripts.prefixOf(0)}open:${taskId}`, 'told', 0)
      await store.outbox.settle(await taken(store), n % 10 === 0 ? { ...RETRY, health: 'so_so' } : DELIVERED)
    }
    const listed = await store.deliveries.of('default', taskId)
    if (listed.outcome !== 'task') throw new Error(listed.outcome)
    const { deliveries } = listed
    expect(deliveries).toHaveLength(100)
    expect(deliveries[0]!.event).toBe('started')
    expect(
      deliveries.slice(1).every(({ event, status }) => event === 'progress' && status === 'delivered'),
    ).toBe(true)
    await store.work.end(claim, COMPLETED)
    await store.outbox.settle(await taken(store), DELIVERED)
    await store.control.delete('default', taskId)
    const { keys } = await contentsOf(store)
    expect(keys.filter((key) => /^(dlv|trying|failed|failing|flow)/.test(key))).toEqual([])
  })

  test('a long result is left out', async () => {
    const store = testStore()
    createdId(await store.submissions.create(calledBack()))
    const result = JSON.stringify('x'.repeat(20_000))
    await store.work.end((await store.work.claim(0, 'test'))!, { ...COMPLETED, result })
    const { task, resultLeftOut } = await taken(store)
    expect([task.result, resultLeftOut]).toEqual([undefined, true])
  })
})

describe('trying', () => {
  test('what was not delivered is tried again when its delay is over', async () => {
    const store = testStore()
    const taskId = await ended(store)
    const first = await taken(store)
    await store.outbox.settle(first, RETRY)
    expect(await store.outbox.take(0)).toBeNull()
    const waits = await only(store, taskId)
    expect(waits).toMatchObject({
      status: 'pending',
      attempts: [{ httpStatus: 500, error: 'it answered 500' }],
    })
    expect(waits.nextAttemptMs).toBeGreaterThan(first.eventMs + 4_000)
    await passTime(store, 5_000)
    await store.upkeep.tick(0, [], terms())
    expect(await taken(store)).toMatchObject({ deliveryId: first.deliveryId, tries: 1, stage: 1 })
  })

  test('a second try at once stays in the same hands', async () => {
    const store = testStore()
    await ended(store)
    const held = await taken(store)
    expect(await store.outbox.settle(held, { ...FAILED, follows: 'again' })).toBe('ok')
    expect(await store.outbox.take(0)).toBeNull()
    expect(await store.outbox.settle(held, DELIVERED)).toBe('ok')
    expect((await only(store, held.task.taskId)).attempts).toHaveLength(2)
  })

  test('of its attempts the last hundred are shown, the first one first', async () => {
    const store = testStore()
    await ended(store)
    const held = await taken(store)
    for (let n = 0; n < 102; n += 1) {
      const verdict = { ...FAILED, follows: 'again', attempt: attempt({ durationMs: n }) } as const
      await store.outbox.settle(held, verdict)
    }
    const { attempts } = await only(store, held.task.taskId)
    expect(attempts.map(({ durationMs }) => durationMs)).toEqual(Array.from({ length: 100 }, (_, n) => n + 2))
  })

  test('a worker that is lost leaves its delivery to another, and its own word counts no more', async () => {
    const store = testStore()
    const taskId = await ended(store)
    const lost = await taken(store)
    await passTime(store, 20_000, { watched: true })
    await store.upkeep.tick(0, [], terms())
    const next = await taken(store)
    expect(next.deliveryId).toBe(lost.deliveryId)
    expect(await store.outbox.settle(lost, DELIVERED)).toBe('stale')
    expect(await only(store, taskId)).toMatchObject({ status: 'pending', attempts: [] })
    expect(await store.outbox.settle(next, DELIVERED)).toBe('ok')
  })

  test('a message that loses worker after worker is tried less and less often', async () => {
    const store = testStore()
    const taskId = await ended(store)
    for (let losses = 1; losses <= 3; losses += 1) {
      await taken(store)
      await passTime(store, 20_000, { watched: true })
      await store.upkeep.tick(0, [], terms())
      if (losses > 1) {
        expect(await store.outbox.take(0)).toBeNull()
        expect((await only(store, taskId)).nextAttemptMs).not.toBeNull()
        await passTime(store, losses * 60_000)
        await store.upkeep.tick(0, [], terms())
      }
    }
    expect(await taken(store)).toMatchObject({ tries: 0, stage: 0 })
  })

  test('a worker that stops gives its delivery back', async () => {
    const store = testStore()
    await ended(store)
    const held = await taken(store)
    await store.outbox.settle(held, { follows: 'release', delayMs: 0 })
    expect(await taken(store)).toMatchObject({ deliveryId: held.deliveryId, tries: 0, stage: 0 })
  })
})

describe('a task with callbacks', () => {
  test('does not expire while one of them is tried', async () => {
    const store = testStore({ retentionMs: 60_000 })
    const taskId = await ended(store)
    await store.outbox.settle(await taken(store), RETRY)
    await passTime(store, 90_000)
    expect(await store.reader.read('default', taskId)).toMatchObject({ outcome: 'task' })
    expect((await store.reader.list('default', {}, 10)).tasks).toHaveLength(1)
    await passTime(store, 60_000)
    await store.upkeep.tick(0, [], terms())
    await store.upkeep.tick(0, [], terms())
    const kept = await store.reader.read('default', taskId)
    expect(kept).toMatchObject({ outcome: 'task', task: { version: 4 } })
    await store.outbox.settle(await taken(store), DELIVERED)
    await passTime(store, 121_000)
    await store.upkeep.tick(0, [], terms())
    expect(await store.reader.read('default', taskId)).toMatchObject({ outcome: 'gone' })
    const { keys } = await contentsOf(store)
    expect(keys.filter((key) => /^(dlv|trying|failed|failing)/.test(key))).toEqual([])
  })

  test('is kept a whole retention more when one of them fails for good', async () => {
    const store = testStore({ retentionMs: 60_000 })
    const taskId = await ended(store)
    const held = await taken(store)
    await passTime(store, 50_000)
    await store.outbox.settle(held, FAILED)
    await passTime(store, 50_000)
    await store.upkeep.tick(0, [], terms())
    expect(await only(store, taskId)).toMatchObject({ status: 'failed' })
    await passTime(store, 71_000)
    await store.upkeep.tick(0, [], terms())
    expect(await store.deliveries.of('default', taskId)).toMatchObject({ outcome: 'gone' })
  })

  test.each(['waiting', 'due', 'tried', 'failed'])(
    'takes a delivery that is %s with it when it is deleted',
    async (how) => {
      const store = testStore()
      const taskId = await ended(store)
      const held = how === 'waiting' ? null : await taken(store)
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

describe('an endpoint', () => {
  test('has no more deliveries under way than its cap; others are not held up', async () => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { callbacks: 100 }, 60_000, 3)
    for (let n = 0; n < 5; n += 1) await ended(store)
    await ended(store, calledBack({ url: 'https://other.example/hook' }))
    const held = [await taken(store), await taken(store), await taken(store), await taken(store)]
    const origins = held.map(({ task }) => task.head.callback!.url)
    expect(origins.filter((url) => url === URL)).toHaveLength(3)
    expect(await store.outbox.take(0)).toBeNull()
    await store.outbox.settle(held.find(({ task }) => task.head.callback!.url === URL)!, DELIVERED)
    expect((await taken(store)).task.head.callback!.url).toBe(URL)
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
    for (let n = 0; n < 20; n += 1) await ended(counted)
    expect(wanted).toBe(3)
    for (let n = 0; n < 3; n += 1) await taken(store)
    await passTime(store, 20_000, { watched: true })
    await counted.upkeep.tick(0, [], terms())
    expect(wanted).toBeGreaterThanOrEqual(6)
  })

  test('that does not answer is let alone, then probed by one delivery, twice as rarely each time', async () => {
    const store = testStore()
    for (let n = 0; n < 20; n += 1) await ended(store)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await taken(store), RETRY)
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
    await store.outbox.settle(await taken(store), RETRY)
    expect(await store.outbox.take(0)).toBeNull()
    await pause(9)
    expect(await store.outbox.take(0)).toBeNull()
    await pause(1)
    const probe = await taken(store)
    expect(await store.outbox.take(0)).toBeNull()
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('half_open')
    await store.outbox.settle(probe, DELIVERED)
    const two = [await taken(store), await taken(store)]
    expect(await store.outbox.take(0)).toBeNull()
    for (const held of two) await store.outbox.settle(held, DELIVERED)
    await store.outbox.settle(await taken(store), DELIVERED)
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('closed')
  })

  test('is let alone for a minute at most, however often it is probed in vain', async () => {
    const store = testStore()
    for (let n = 0; n < 11; n += 1) await ended(store)
    for (let n = 0; n < 4; n += 1) await store.outbox.settle(await taken(store), RETRY)
    const pauses: number[] = []
    for (let n = 0; n < 6; n += 1) {
      await store.outbox.settle(await taken(store), RETRY)
      const [shut] = await store.deliveries.endpoints('default')
      pauses.push((shut!.probeMs! - shut!.lastError!.atMs) / 1000)
      await passTime(store, pauses[n]! * 1000)
      await store.upkeep.tick(0, [], terms())
    }
    expect(pauses).toEqual([5, 10, 20, 40, 60, 60])
  })

  test('is let alone for failures in a row only', async () => {
    const store = testStore()
    for (let n = 0; n < 9; n += 1) await ended(store)
    const ills = Array.from({ length: 4 }, () => RETRY)
    for (const verdict of [...ills, DELIVERED, ...ills])
      await store.outbox.settle(await taken(store), verdict)
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('closed')
  })

  test('is not forgotten while a delivery to it is tried, nor kept after that', async () => {
    const store = testStore()
    await ended(store)
    const lifetime = () =>
      store.redis.pttl(`${store.scripts.prefixOf(0)}endpoint:default https://shop.example`)
    await store.outbox.settle(await taken(store), { ...RETRY, delayMs: 30 * 24 * 3_600_000 })
    expect(await lifetime()).toBe(-1)
    await passTime(store, 31 * 24 * 3_600_000)
    await store.upkeep.tick(0, [], terms())
    await store.outbox.settle(await taken(store), DELIVERED)
    expect(await lifetime()).toBeGreaterThan(6 * 24 * 3_600_000)
    await ended(store)
    expect(await lifetime()).toBe(-1)
  })

  test('that answers again, if not as it should, is let in again', async () => {
    const store = testStore()
    for (let n = 0; n < 12; n += 1) await ended(store)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await taken(store), RETRY)
    await passTime(store, 5_000)
    await store.upkeep.tick(0, [], terms())
    for (let n = 0; n < 5; n += 1)
      await store.outbox.settle(await taken(store), { ...RETRY, health: 'so_so' })
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('closed')
  })

  test('that answers, if not as it should, is not let alone', async () => {
    const store = testStore()
    for (let n = 0; n < 8; n += 1) await ended(store)
    for (let n = 0; n < 7; n += 1)
      await store.outbox.settle(await taken(store), { ...RETRY, health: 'so_so' })
    expect(await store.outbox.take(0)).not.toBeNull()
  })

  test('fails what has waited as long as the whole schedule, if it did not answer in all that time', async () => {
    const store = testStore()
    for (let n = 0; n < 6; n += 1) await ended(store)
    const old = await ended(store)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await taken(store), RETRY)
    await passTime(store, OUTBOX_TERMS.wholeScheduleMs)
    const fresh = await ended(store)
    await store.upkeep.tick(0, [], terms())
    await store.outbox.settle(await taken(store), RETRY)
    const left = await only(store, old)
    expect(left).toMatchObject({
      status: 'failed',
      attempts: [{ httpStatus: null, error: expect.stringContaining('not tried') }],
    })
    expect((await only(store, fresh)).status).toBe('pending')
  })

  test('fails nothing of what waited for other reasons, such as that no worker was there', async () => {
    const store = testStore()
    const waiting = []
    for (let n = 0; n < 7; n += 1) waiting.push(await ended(store))
    await passTime(store, 2 * OUTBOX_TERMS.wholeScheduleMs)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await taken(store), RETRY)
    expect((await store.deliveries.endpoints('default'))[0]!.breaker).toBe('open')
    for (const taskId of waiting) expect((await only(store, taskId)).status).toBe('pending')
  })
})

test('a tenant with many endpoints leaves slots to others', async () => {
  const store = testStore()
  await store.upkeep.heartbeat(0, 'w', { callbacks: 8 }, 60_000, 10)
  for (let n = 0; n < 12; n += 1) await ended(store, calledBack({ url: `https://dead-${n}.example/` }))
  await ended(store, calledBack({}, { tenant: 'other' }))
  const held: HeldDelivery[] = []
  for (let next = await store.outbox.take(0); next; next = await store.outbox.take(0)) held.push(next)
  expect(held.map(({ task }) => task.tenant).sort()).toEqual([...Array(6).fill('default'), 'other'])
  await store.outbox.settle(held.find(({ task }) => task.tenant === 'default')!, DELIVERED)
  expect((await taken(store)).task.tenant).toBe('default')
  expect(await store.outbox.take(0)).toBeNull()
})

test('a tenant at its cap with hundreds of endpoints is passed over in a few calls, and its other endpoints come on', async () => {
  const store = testStore()
  const many = <T>(act: (n: number) => Promise<T>) =>
    Promise.all(Array.from({ length: 450 }, (_, n) => act(n)))
  await many((n) => store.submissions.create(calledBack({ url: `https://dead-${n}.example/` })))
  await many(async () => store.work.end((await store.work.claim(0, 'test'))!, COMPLETED))
  await ended(store, calledBack({}, { tenant: 'other' }))
  await store.upkeep.heartbeat(0, 'w', { callbacks: 1 }, 60_000, 10)
  const first = await taken(store)
  const next = await store.outbox.take(0)
  expect(next).toBeNull()
  await expect.poll(() => store.outbox.take(0)).toMatchObject({ task: { tenant: 'other' } })
  await store.outbox.settle(first, DELIVERED)
  expect((await taken(store)).task.tenant).toBe('default')
})

test('a flow that stands aside in vain holds up none that stands behind it', async () => {
  const store = testStore()
  await store.upkeep.heartbeat(0, 'w', { callbacks: 1 }, 60_000, 10)
  await ended(store)
  const held = await taken(store)
  const deleted = await ended(store, calledBack({ url: 'https://deleted.example/' }))
  expect(await store.outbox.take(0)).toBeNull()
  await ended(store, calledBack({ url: 'https://behind.example/' }))
  expect(await store.outbox.take(0)).toBeNull()
  await store.control.delete('default', deleted)
  await store.outbox.settle(held, RETRY)
  expect((await taken(store)).task.head.callback!.url).toBe('https://behind.example/')
})

describe('asking for a delivery again', () => {
  test.each(['delivered', 'failed', 'due'])(
    'tries one that is %s now, with the full schedule after it',
    async (how) => {
      const store = testStore()
      const taskId = await ended(store)
      const held = await taken(store)
      await store.outbox.settle(held, how === 'delivered' ? DELIVERED : how === 'failed' ? FAILED : RETRY)
      expect(await store.deliveries.redeliver('default', taskId, held.deliveryId)).toEqual({
        outcome: 'redelivered',
      })
      expect(await only(store, taskId)).toMatchObject({ status: 'pending', nextAttemptMs: null })
      const again = await taken(store)
      expect(again).toMatchObject({ deliveryId: held.deliveryId, tries: 1, stage: 0 })
      await store.outbox.settle(again, DELIVERED)
      expect(await only(store, taskId)).toMatchObject({ status: 'delivered', attempts: [{}, {}] })
    },
  )

  test('while it is tried has it tried once more, should that fail', async () => {
    const store = testStore()
    const taskId = await ended(store)
    const held = await taken(store)
    await store.deliveries.redeliver('default', taskId, held.deliveryId)
    await store.outbox.settle(held, FAILED)
    expect(await taken(store)).toMatchObject({ tries: 1, stage: 0 })
  })

  test.each(['delivered', 'failed', 'tried'])(
    'sends progress that is %s again, though there is newer word of the task and its end',
    async (how) => {
      const store = testStore()
      const asked = calledBack({ events: ['progress'] })
      const taskId = createdId(await store.submissions.create(asked))
      const claim = (await store.work.claim(0, 'test'))!
      await store.work.progress(claim, 10)
      const held = await taken(store)
      if (how !== 'tried') await store.outbox.settle(held, how === 'delivered' ? DELIVERED : FAILED)
      await store.work.end(claim, COMPLETED)
      await store.deliveries.redeliver('default', taskId, held.deliveryId)
      if (how === 'tried') await store.outbox.settle(held, RETRY)
      const again = await taken(store)
      expect(again).toMatchObject({ deliveryId: held.deliveryId, task: { progress: 10 } })
      await store.outbox.settle(again, RETRY)
      await passTime(store, 10_000)
      await store.upkeep.tick(0, [], terms())
      await store.outbox.settle(await taken(store), DELIVERED)
      expect(await only(store, taskId)).toMatchObject({ status: 'delivered' })
    },
  )

  test('of another task or tenant changes nothing', async () => {
    const store = testStore()
    const [one, other] = [await ended(store), await ended(store)]
    const { deliveryId } = await only(store, one)
    expect(await store.deliveries.redeliver('default', other, deliveryId)).toEqual({ outcome: 'no_delivery' })
    expect(await store.deliveries.redeliver('else', one, deliveryId)).toEqual({ outcome: 'unknown' })
    expect(await store.deliveries.of('else', one)).toEqual({ outcome: 'unknown' })
    const open = createdId(await store.submissions.create(calledBack({ events: ['started'] })))
    await store.work.claim(0, 'test')
    const { deliveryId: started } = await only(store, open)
    expect(await store.deliveries.redeliver('else', open, started)).toEqual({ outcome: 'unknown' })
    expect(await store.deliveries.of('else', open)).toEqual({ outcome: 'unknown' })
  })
})

describe('a recovery', () => {
  const withFailed = async (store: TestStore, count: number): Promise<string[]> => {
    const failed: string[] = []
    for (let n = 0; n < count; n += 1) {
      failed.push(await ended(store))
      await store.outbox.settle(await taken(store), { ...FAILED, health: 'so_so' })
    }
    return failed
  }
  const ALL = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER }
  const recover = ({ deliveries }: TestStore, scope: Partial<RecoveryScope>, most: number, name = 'one') =>
    deliveries.recover('default', name, { ...ALL, ...scope }, most)

  test('tries the failed anew, the oldest first, behind all others, no more at once than may wait', async () => {
    const store = testStore()
    const failed = await withFailed(store, 4)
    const fresh = await ended(store)
    expect(await recover(store, {}, 3)).toEqual({ tried: 2, left: 2 })
    expect(await recover(store, {}, 3)).toEqual({ tried: 2, left: 2 })
    const later = await ended(store)
    const next = [await taken(store), await taken(store), await taken(store)]
    expect(next.map(({ task }) => task.taskId)).toEqual([fresh, later, failed[0]])
    expect(await recover(store, { origin: 'https://shop.example' }, 9)).toEqual({ tried: 4, left: 0 })
  })

  test('keeps to its tenant, its endpoint and its time', async () => {
    const store = testStore()
    await withFailed(store, 2)
    const first = (await only(store, (await withFailed(store, 1))[0]!)).deliveryId
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
    const ids = await Promise.all(failed.map(async (taskId) => (await only(store, taskId)).deliveryId))
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
    for (let n = 0; n < 5; n += 1) await ended(store)
    for (let n = 0; n < 5; n += 1) await store.outbox.settle(await taken(store), FAILED)
    expect(await recover(store, {}, 9)).toEqual({ tried: 1, left: 4 })
    expect(await recover(store, {}, 9)).toEqual({ tried: 1, left: 4 })
  })
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

test('a Redis that is full still gets rid of deliveries; what would add to them is refused whole', async () => {
  const own = await startLocalRedis()
  onTestFinished(() => own.stop())
  const store = testStore({ url: own.url })
  const taskId = await ended(store)
  const lost = await taken(store)
  await store.outbox.settle(lost, { ...FAILED, health: 'so_so' })
  await ended(store)
  const before = await store.deliveries.of('default', taskId)
  await store.redis.config('SET', 'maxmemory', '1')

  const again = () => store.deliveries.redeliver('default', taskId, lost.deliveryId)
  const all = { sinceMs: 0, untilMs: (await store.scripts.now()) + 1 }
  await expect(again()).rejects.toThrow(StoreUnavailable)
  await expect(store.deliveries.recover('default', 'one', all, 1)).rejects.toThrow(StoreUnavailable)
  expect(await store.deliveries.of('default', taskId)).toEqual(before)
  expect(await store.outbox.settle(await taken(store), DELIVERED)).toBe('ok')

  await store.redis.config('SET', 'maxmemory', '0')
  expect(await again()).toEqual({ outcome: 'redelivered' })
})
