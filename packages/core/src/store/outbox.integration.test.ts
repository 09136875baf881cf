import { startLocalRedis } from '@accepted/local-redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  COMPLETED,
  calledBack,
  contentsOf,
  createdId,
  DELIVERED,
  deliveryAttempt,
  endedTask,
  FAILED,
  onlyDelivery,
  passTime,
  RETRY,
  submission,
  takeDelivery,
  terms,
  testStore,
} from '../testing/index.ts'
import { StoreUnavailable } from './outage.ts'

test('the message of an ending is there as soon as the task has ended, and tells of it as it was', async () => {
  const store = testStore()
  const taskId = await endedTask(store)
  const delivery = await takeDelivery(store)
  expect(delivery).toMatchObject({ event: 'completed', tries: 0, stage: 0, resultLeftOut: false })
  expect(delivery.task).toMatchObject({ taskId, status: 'completed', result: '{"sum":1}', progress: 100 })
  expect(delivery.task.body).toBeUndefined()
  expect(await store.outbox.settle(delivery, DELIVERED)).toBe('ok')
  expect(await onlyDelivery(store, taskId)).toMatchObject({
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
    const quiet = await endedTask(store, calledBack({ events: ['failed', 'started'] }))
    expect((await takeDelivery(store)).event).toBe('started')
    expect(await store.outbox.take(0)).toBeNull()
    expect((await onlyDelivery(store, quiet)).event).toBe('started')
    await endedTask(store, submission())
    await endedTask(store, calledBack({ events: [] }))
    expect(await store.outbox.take(0)).toBeNull()
  })

  test('a start that is told late still tells of the start', async () => {
    const store = testStore()
    await endedTask(store, calledBack({ events: ['started', 'completed'] }))
    const [start, end] = [await takeDelivery(store), await takeDelivery(store)]
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
    expect((await takeDelivery(store)).task.attempt).toBe(1)
    expect(await store.outbox.take(0)).toBeNull()
  })

  test('a task that awaits confirmation says what it made and how long it waits', async () => {
    const store = testStore()
    const { limits } = submission()
    const asked = calledBack({}, { limits: { ...limits, confirmMs: 60_000 } })
    const taskId = await endedTask(store, asked)
    const { event, task } = await takeDelivery(store)
    expect(event).toBe('awaiting_confirmation')
    expect(task).toMatchObject({ status: 'awaiting_confirmation', result: '{"sum":1}' })
    expect(task.confirmByMs).toBeGreaterThan(task.updatedMs)
    await store.control.confirm('default', taskId)
    expect((await takeDelivery(store)).event).toBe('completed')
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
    expect(await takeDelivery(store)).toMatchObject({ event: 'canceled', task: { reason: by } })
  })

  test('progress is told at most once in 500 ms, the newest', async () => {
    const store = testStore()
    const taskId = createdId(await store.submissions.create(calledBack({ events: ['progress'] })))
    const claim = (await store.work.claim(0, 'test'))!
    await store.work.progress(claim, 10)
    const first = await takeDelivery(store)
    expect(first.task.progress).toBe(10)
    for (const percent of [20, 30, 40]) await store.work.progress(claim, percent)
    await store.upkeep.tick(0, [], terms())
    expect(await store.outbox.take(0)).toBeNull()
    const waiting = await store.deliveries.of('default', taskId)
    expect(waiting).toMatchObject({ deliveries: [{}, { nextAttemptMs: first.eventMs + 500 }] })
    await passTime(store, 1_000)
    await store.upkeep.tick(0, [], terms())
    expect((await takeDelivery(store)).task).toMatchObject({ progress: 40, status: 'running' })
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
    expect(await takeDelivery(store)).toMatchObject({ event: 'progress', task: { progress: 50 } })
  })

  test('progress of which there is newer word, or an end, is not told again', async () => {
    const store = testStore()
    const taskId = createdId(await store.submissions.create(calledBack({ events: ['progress'] })))
    const claim = (await store.work.claim(0, 'test'))!
    await store.work.progress(claim, 10)
    await store.outbox.settle(await takeDelivery(store), RETRY)
    await passTime(store, 1_000)
    await store.work.progress(claim, 20)
    await passTime(store, 10_000)
    await store.upkeep.tick(0, [], terms())
    expect((await onlyDelivery(store, taskId)).attempts).toEqual([])
    expect((await takeDelivery(store)).task.progress).toBe(20)
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
    await store.outbox.settle(await takeDelivery(store), RETRY)
    await passTime(store, 10_000)
    await store.upkeep.tick(0, [], terms())
    await store.work.progress(claim, 20)
    await passTime(store, 1_000)
    await store.upkeep.tick(0, [], terms())
    const newer = await takeDelivery(store)
    expect(newer.task.progress).toBe(20)
    expect((await onlyDelivery(store, taskId)).deliveryId).toBe(newer.deliveryId)
    await store.work.end(claim, COMPLETED)
    await store.outbox.settle(newer, RETRY)
    expect(await store.deliveries.of('default', taskId)).toMatchObject({ deliveries: [] })
  })

  test('of progress that was told the last hundred messages stay, of what was told in vain none', async () => {
    const store = testStore()
    const asked = calledBack({ events: ['started', 'progress', 'completed'] })
    const taskId = createdId(await store.submissions.create(asked))
    const claim = (await store.work.claim(0, 'test'))!
    await store.outbox.settle(await takeDelivery(store), DELIVERED)
    for (let n = 1; n < 120; n += 1) {
      await store.work.progress(claim, n / 2)
      // As if half a second had gone by.
      await store.redis.hset(`${store.scripts.prefixOf(0)}open:${taskId}`, 'told', 0)
      await store.outbox.settle(
        await takeDelivery(store),
        n % 10 === 0 ? { ...RETRY, health: 'so_so' } : DELIVERED,
      )
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
    await store.outbox.settle(await takeDelivery(store), DELIVERED)
    await store.control.delete('default', taskId)
    const { keys } = await contentsOf(store)
    expect(keys.filter((key) => /^(dlv|trying|failed|failing|flow)/.test(key))).toEqual([])
  })

  test('a long result is left out', async () => {
    const store = testStore()
    createdId(await store.submissions.create(calledBack()))
    const result = JSON.stringify('x'.repeat(20_000))
    await store.work.end((await store.work.claim(0, 'test'))!, { ...COMPLETED, result })
    const { task, resultLeftOut } = await takeDelivery(store)
    expect([task.result, resultLeftOut]).toEqual([undefined, true])
  })
})

describe('trying', () => {
  test('what was not delivered is tried again when its delay is over', async () => {
    const store = testStore()
    const taskId = await endedTask(store)
    const first = await takeDelivery(store)
    await store.outbox.settle(first, RETRY)
    expect(await store.outbox.take(0)).toBeNull()
    const waits = await onlyDelivery(store, taskId)
    expect(waits).toMatchObject({
      status: 'pending',
      attempts: [{ httpStatus: 500, error: 'it answered 500' }],
    })
    expect(waits.nextAttemptMs).toBeGreaterThan(first.eventMs + 4_000)
    await passTime(store, 5_000)
    await store.upkeep.tick(0, [], terms())
    expect(await takeDelivery(store)).toMatchObject({ deliveryId: first.deliveryId, tries: 1, stage: 1 })
  })

  test('a second try at once stays in the same hands', async () => {
    const store = testStore()
    await endedTask(store)
    const held = await takeDelivery(store)
    expect(await store.outbox.settle(held, { ...FAILED, follows: 'again' })).toBe('ok')
    expect(await store.outbox.take(0)).toBeNull()
    expect(await store.outbox.settle(held, DELIVERED)).toBe('ok')
    expect((await onlyDelivery(store, held.task.taskId)).attempts).toHaveLength(2)
  })

  test('of its attempts the last hundred are shown, the first one first', async () => {
    const store = testStore()
    await endedTask(store)
    const held = await takeDelivery(store)
    for (let n = 0; n < 102; n += 1) {
      const verdict = { ...FAILED, follows: 'again', attempt: deliveryAttempt({ durationMs: n }) } as const
      await store.outbox.settle(held, verdict)
    }
    const { attempts } = await onlyDelivery(store, held.task.taskId)
    expect(attempts.map(({ durationMs }) => durationMs)).toEqual(Array.from({ length: 100 }, (_, n) => n + 2))
  })

  test('a worker that is lost leaves its delivery to another, and its own word counts no more', async () => {
    const store = testStore()
    const taskId = await endedTask(store)
    const lost = await takeDelivery(store)
    await passTime(store, 20_000, { watched: true })
    await store.upkeep.tick(0, [], terms())
    const next = await takeDelivery(store)
    expect(next.deliveryId).toBe(lost.deliveryId)
    expect(await store.outbox.settle(lost, DELIVERED)).toBe('stale')
    expect(await onlyDelivery(store, taskId)).toMatchObject({ status: 'pending', attempts: [] })
    expect(await store.outbox.settle(next, DELIVERED)).toBe('ok')
  })

  test('a message that loses worker after worker is tried less and less often', async () => {
    const store = testStore()
    const taskId = await endedTask(store)
    for (let losses = 1; losses <= 3; losses += 1) {
      await takeDelivery(store)
      await passTime(store, 20_000, { watched: true })
      await store.upkeep.tick(0, [], terms())
      if (losses > 1) {
        expect(await store.outbox.take(0)).toBeNull()
        expect((await onlyDelivery(store, taskId)).nextAttemptMs).not.toBeNull()
        await passTime(store, losses * 60_000)
        await store.upkeep.tick(0, [], terms())
      }
    }
    expect(await takeDelivery(store)).toMatchObject({ tries: 0, stage: 0 })
  })

  test('a worker that stops gives its delivery back', async () => {
    const store = testStore()
    await endedTask(store)
    const held = await takeDelivery(store)
    await store.outbox.settle(held, { follows: 'release', delayMs: 0 })
    expect(await takeDelivery(store)).toMatchObject({ deliveryId: held.deliveryId, tries: 0, stage: 0 })
  })
})

test('a Redis that is full still gets rid of deliveries; what would add to them is refused whole', async () => {
  const own = await startLocalRedis()
  onTestFinished(() => own.stop())
  const store = testStore({ url: own.url })
  const taskId = await endedTask(store)
  const lost = await takeDelivery(store)
  await store.outbox.settle(lost, { ...FAILED, health: 'so_so' })
  await endedTask(store)
  const before = await store.deliveries.of('default', taskId)
  await store.redis.config('SET', 'maxmemory', '1')

  const again = () => store.deliveries.redeliver('default', taskId, lost.deliveryId)
  const all = { sinceMs: 0, untilMs: (await store.scripts.now()) + 1 }
  await expect(again()).rejects.toThrow(StoreUnavailable)
  await expect(store.deliveries.recover('default', 'one', all, 1)).rejects.toThrow(StoreUnavailable)
  expect(await store.deliveries.of('default', taskId)).toEqual(before)
  expect(await store.outbox.settle(await takeDelivery(store), DELIVERED)).toBe('ok')

  await store.redis.config('SET', 'maxmemory', '0')
  expect(await again()).toEqual({ outcome: 'redelivered' })
})
