import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  COMPLETED,
  claimTask,
  createdId,
  createTask,
  endedTask,
  passTime,
  RETRY,
  readTask,
  submission,
  takeDelivery,
  terms,
  testStore,
} from '../testing/index.ts'
import { SCRIPT_SOURCES, Scripts } from './scripts.ts'
import { Upkeep } from './upkeep.ts'

test('jobs that were never added are made good at the second look, as many as slots are free', async () => {
  const { scripts, upkeep, jobs, submissions, redis } = testStore()
  await upkeep.heartbeat(0, 'w', { test: 3 }, 60_000, 10)
  for (let n = 0; n < 5; n += 1) createdId(await submissions.create(submission()))
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(5)
  await redis.del(...(await redis.keys(`${scripts.prefixOf(0)}bull:*`)))
  expect(await upkeep.topUp(0, 'test')).toEqual({ added: 0, stoodStill: false })
  expect(await upkeep.topUp(0, 'test')).toEqual({ added: 3, stoodStill: true })
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(3)
  expect(await upkeep.topUp(0, 'test')).toEqual({ added: 0, stoodStill: false })
})

test('a lane in which tasks are claimed does not stand still, however few jobs are seen in it', async () => {
  const { scripts, upkeep, jobs, submissions, redis, work } = testStore()
  await upkeep.heartbeat(0, 'w', { test: 3 }, 60_000, 10)
  for (let n = 0; n < 5; n += 1) createdId(await submissions.create(submission()))
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(5)
  await redis.del(...(await redis.keys(`${scripts.prefixOf(0)}bull:*`)))
  await upkeep.topUp(0, 'test')
  await pause(2)
  await work.claim(0, 'test')
  expect(await upkeep.topUp(0, 'test')).toEqual({ added: 2, stoodStill: false })
})

test('a lane that is quiet is sent one job, to see whether a worker is there', async () => {
  const { upkeep, jobs, work } = testStore()
  await upkeep.tick(0, ['test'], terms())
  await upkeep.tick(0, ['test'], terms())
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(1)
  expect((await upkeep.laneState(0, 'test')).fetchedMs).toBe(0)
  expect(await work.claim(0, 'test')).toBeNull()
  const state = await upkeep.laneState(0, 'test')
  expect(state.nowMs - state.fetchedMs).toBeLessThan(1000)
})

test('a lane whose slots are all taken is not probed', async () => {
  const { upkeep, jobs, work, submissions } = testStore()
  await upkeep.heartbeat(0, 'w', { test: 1 }, 60_000, 10)
  await submissions.create(submission())
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(1)
  expect(await work.claim(0, 'test')).not.toBeNull()
  await upkeep.tick(0, ['test'], terms(), 0)
  await upkeep.tick(0, ['test'], terms(), 0)
  expect(await jobs.waiting(0, 'test')).toBe(1)
  await upkeep.heartbeat(0, 'w', { test: 2 }, 60_000, 10)
  await upkeep.tick(0, ['test'], terms(), 0)
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(2)
})

test('the slots of a lane are those of the workers that were heard of lately', async () => {
  const { upkeep } = testStore()
  await upkeep.heartbeat(0, 'w1', { test: 10, other: 10 }, 60_000, 10)
  await upkeep.heartbeat(0, 'w1', { test: 10, other: 10 }, 60_000, 10)
  await upkeep.heartbeat(0, 'w2', { test: 5 }, 60_000, 10)
  await upkeep.heartbeat(0, 'w3', { test: 7 }, 0, 10)
  expect((await upkeep.laneState(0, 'test')).slots).toBe(15)
  await upkeep.heartbeat(0, 'w1', { test: 0 }, 60_000, 10)
  expect((await upkeep.laneState(0, 'test')).slots).toBe(5)
})

test('a lane that has plenty of jobs gets no more of them', async () => {
  const { upkeep, jobs, submissions } = testStore()
  await upkeep.heartbeat(0, 'w', { test: 75 }, 60_000, 10)
  for (let n = 0; n < 4; n += 1) {
    await Promise.all(
      Array.from({ length: 100 }, async () => createdId(await submissions.create(submission()))),
    )
  }
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(150)
})

test('of what is due at once several tickers do each thing once, and no pass does more than it may', async () => {
  const store = testStore({ retentionMs: 5_000 })
  const { redis, scripts, work, outbox, upkeep } = store
  const times = async <T>(count: number, make: () => Promise<T>): Promise<T[]> => {
    const made: T[] = []
    for (let n = 0; n < count; n += 1) made.push(await make())
    return made
  }
  const expired = await times(150, () => endedTask(store, submission()))
  await times(200, () => endedTask(store))
  await redis.hset(`${scripts.prefixOf(0)}lane:callbacks`, 'cap', 200)
  const posting = await times(200, () => takeDelivery(store))
  for (const delivery of posting.slice(100)) await outbox.settle(delivery, { ...RETRY, health: 'well' })
  const tried = await times(150, async () => {
    const taskId = await createTask(store)
    await work.retry(await claimTask(store), 5_000, null)
    return taskId
  })
  const lost = await times(150, async () => {
    const taskId = await createTask(store)
    await claimTask(store)
    return taskId
  })
  await passTime(store, 120_000, { watched: true })

  const tickers = [upkeep]
  for (let n = 0; n < 3; n += 1) {
    tickers.push(new Upkeep(new Scripts(testStore().redis, store.prefix, store.jobs), store.jobs))
  }
  const passes: number[] = []
  await Promise.all(
    tickers.map(async (ticker) => {
      let more = true
      while (more) {
        const pass = await ticker.tick(0, [], terms())
        passes.push(pass.done)
        more = pass.more
      }
    }),
  )
  expect(Math.max(...passes)).toBe(200)
  // The tasks whose deliveries are tried are due as well, and kept.
  expect(passes.reduce((sum, done) => sum + done)).toBe(150 + 200 + 200 + 150 + 150)
  expect(await upkeep.laneState(0, 'test')).toMatchObject({ waiting: 300, running: 0, claimable: 300 })
  expect(await upkeep.laneState(0, 'callbacks')).toMatchObject({ waiting: 200, running: 0 })
  for (const id of expired) expect(await store.reader.read('default', id)).toMatchObject({ outcome: 'gone' })
  for (const id of tried) expect(await readTask(store, id)).toMatchObject({ status: 'pending', attempt: 1 })
  for (const id of lost) {
    const { attempts } = await readTask(store, id)
    expect(attempts).toMatchObject([
      { error: { code: 'worker_lost', message: 'The worker that ran it was lost.' } },
    ])
    expect(await redis.hget(`${scripts.prefixOf(0)}open:${id}`, 'losses')).toBe('1')
  }
  const claimed = await times(300, async () => (await claimTask(store)).task.taskId)
  expect(claimed.sort()).toEqual([...tried, ...lost].sort())
})

test('a pass that comes right after another does nothing; one whose time is over leaves the rest to the next', async () => {
  const store = testStore({ retentionMs: 5_000 })
  for (let n = 0; n < 30; n += 1) await endedTask(store, submission())
  await passTime(store, 120_000, { watched: true })
  const paced = (apartMs: number, passMs: number) =>
    store.upkeep.tick(0, [], terms({ pace: { apartMs, passMs } }))
  expect(await paced(60_000, 60_000)).toMatchObject({ done: 0, more: false })
  expect(await paced(0, 0)).toMatchObject({ done: 0, more: true })
  expect(await paced(0, 0.000_001)).toMatchObject({ done: 0, more: true })
  expect(await paced(0, 60_000)).toMatchObject({ done: 30, more: false })
})

test('where TIME stands still in a script, a pass ends by the processor time that it took', async () => {
  // As Redis 8 has it. Each look at the clock is a millisecond later.
  const clock = `(function()
    local ms = 0
    return { clock = function() ms = ms + 1 return ms / 1000 end }
  end)()`
  const source = SCRIPT_SOURCES.get('tick')!
  const sources = new Map(SCRIPT_SOURCES).set('tick', source.replace("rawget(_G, 'os')", clock))
  expect(sources.get('tick')).not.toBe(source)
  const store = testStore({ retentionMs: 5_000, sources })
  for (let n = 0; n < 60; n += 1) await endedTask(store, submission())
  await passTime(store, 120_000, { watched: true })
  const pass = () => store.upkeep.tick(0, [], terms({ pace: { apartMs: 0, passMs: 4.5 } }))
  // It is looked at after every ten.
  expect(await pass()).toMatchObject({ done: 40, more: true })
  expect(await pass()).toMatchObject({ done: 20, more: false })
})

test('a lease that ran out is found in one pass, however much is due besides', async () => {
  const store = testStore({ retentionMs: 5_000 })
  const begun = () =>
    Promise.all(
      Array.from({ length: 210 }, async () => {
        await createTask(store)
        return claimTask(store)
      }),
    )
  await Promise.all((await begun()).map((claim) => store.work.end(claim, COMPLETED)))
  await passTime(store, 120_000, { watched: true })
  const retryAll = async (delayMs: number) => {
    await Promise.all((await begun()).map((claim) => store.work.retry(claim, delayMs, null)))
  }
  await retryAll(1_000)
  const before = await createTask(store)
  await claimTask(store)
  await passTime(store, 9_000, { watched: true })
  await retryAll(1)
  await passTime(store, 1_000, { watched: true })
  const last = await createTask(store)
  await claimTask(store)
  await passTime(store, 9_000, { watched: true })

  expect(await store.upkeep.tick(0, [], terms())).toMatchObject({ done: 200, more: true })
  expect((await readTask(store, last)).status).toBe('pending')
  let more = true
  while (more) more = (await store.upkeep.tick(0, [], terms())).more
  expect((await readTask(store, before)).status).toBe('pending')
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 422, running: 0 })
  expect((await store.reader.list('default', { status: 'completed' }, 1)).tasks).toEqual([])
})

test('whatever else is due goes before the expiry of ended tasks, however many minutes of them are due', async () => {
  const store = testStore({ retentionMs: 5_000 })
  const base = store.scripts.prefixOf(0)
  const expired = await endedTask(store, submission())
  const tried = await createTask(store)
  await store.work.retry(await claimTask(store), 5_000, null)
  await passTime(store, 120_000, { watched: true })
  // As after an outage of hours: more minutes are due than one pass does things.
  for (let minute = 1; minute <= 250; minute += 1) {
    await store.redis.rpush(`${base}expire:${minute}`, expired)
    await store.redis.zadd(`${base}expiring`, minute, minute)
  }
  expect(await store.upkeep.tick(0, [], terms())).toMatchObject({ done: 200, more: true })
  expect((await claimTask(store)).task.taskId).toBe(tried)
  expect(await store.upkeep.tick(0, [], terms())).toMatchObject({ more: false })
  expect(await store.redis.keys(`${base}expire:*`)).toEqual([])
  expect(await store.redis.zcard(`${base}expiring`)).toBe(0)
})

test('a clock that went ahead for a while and was set back holds up no lost worker, and no look for workers', async () => {
  const store = testStore()
  const base = store.scripts.prefixOf(0)
  const taskId = await createTask(store)
  await claimTask(store)
  const hourAhead = Math.floor(await store.scripts.now()) + 3_600_000
  // What a tick and a probe wrote while the clock was an hour ahead.
  await store.redis.hset(`${base}upkeep`, { ticked: hourAhead, leases_hold_until: hourAhead })
  await store.redis.hset(`${base}lane:test`, { fetched: 0, probed: hourAhead })
  const waiting = await store.jobs.waiting(0, 'test')
  await store.redis.zadd(`${base}timers`, 1, `lease:${taskId}`)
  await store.upkeep.tick(0, ['test'], terms())
  await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(waiting + 1)
  await passTime(store, 9_000, { watched: true })
  await store.upkeep.tick(0, [], terms())
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'pending',
    attempts: [{ error: { code: 'worker_lost' } }],
  })
})
