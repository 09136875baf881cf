import { taskError } from '@accepted/contract'
import { expect, test } from 'vitest'
import {
  claimTask,
  createTask,
  loseWorker,
  passTime,
  readTask,
  terms,
  testStore,
  until,
} from '../testing/index.ts'
import { Work } from './work.ts'

const FAULT = taskError('permanent_error', 'It cannot be.')
const COMPLETED = {
  status: 'completed',
  reason: null,
  result: '{"ok":[]}',
  resource: null,
  error: null,
} as const
const FAILED = {
  status: 'failed',
  reason: 'permanent_error',
  result: null,
  resource: null,
  error: FAULT,
} as const

test('a claim takes the task whose turn it is', async () => {
  const store = testStore()
  const [first, second] = [await createTask(store), await createTask(store)]
  expect((await claimTask(store)).task.taskId).toBe(first)
  expect((await claimTask(store)).task.taskId).toBe(second)
  expect(await store.work.claim(0, 'test')).toBeNull()
})

test('two workers that race for many tasks get each of them once', async () => {
  const store = testStore()
  const ids = await Promise.all(Array.from({ length: 300 }, () => createTask(store)))
  const rivals = [store.work, new Work(store.scripts, 1000)]
  const claims = await Promise.all(Array.from({ length: 320 }, (_, n) => rivals[n % 2]!.claim(0, 'test')))
  const claimed = claims.filter((claim) => claim !== null).map(({ task }) => task.taskId)
  expect(claimed.sort()).toEqual(ids.sort())
})

test('the end is one step: record, indexes, flow, expiry', async () => {
  const store = testStore({ retentionMs: 5000 })
  const taskId = await createTask(store)
  const held = await claimTask(store)
  expect(await store.work.end(held, COMPLETED)).toMatchObject({ outcome: 'ok' })
  const task = await readTask(store, taskId)
  expect(task).toMatchObject({
    status: 'completed',
    progress: 100,
    result: '{"ok":[]}',
    body: '{"n":1}',
    version: 3,
  })
  expect(task.expiresMs).toBe(task.finishedMs! + 5000)
  expect((await store.reader.list('default', { status: 'completed' }, 10)).tasks).toHaveLength(1)
  expect((await store.reader.list('default', { status: 'running' }, 10)).tasks).toHaveLength(0)
  expect(await store.upkeep.laneState(0, 'test', 'test.run')).toMatchObject({
    waiting: 0,
    running: 0,
    recentMs: [expect.any(Number)],
  })
  expect(await store.redis.keys(`${store.prefix}:*open:*`)).toEqual([])
  expect(await store.redis.zrange(`${store.scripts.prefixOf(0)}timers`, '0', '-1')).toEqual([])
})

test('a write that does not name the latest claim is refused, whatever it is', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  const lost = await claimTask(store)
  await loseWorker(store, taskId)
  const holder = await claimTask(store)
  expect(holder.task.taskId).toBe(taskId)
  const before = await readTask(store, taskId)
  expect(await store.work.progress(lost, 50)).toBe('stale')
  expect(await store.work.step(lost, 'one', 'finished', '1')).toBe('stale')
  expect(await store.work.retry(lost, 0, FAULT)).toBe('stale')
  expect(await store.work.release(lost)).toBe('stale')
  expect(await store.work.end(lost, COMPLETED)).toMatchObject({ outcome: 'stale' })
  expect(await readTask(store, taskId)).toEqual(before)
  expect(await store.work.end(holder, COMPLETED)).toMatchObject({ outcome: 'ok' })
  expect(await store.work.end(holder, FAILED)).toMatchObject({ outcome: 'stale' })
  expect((await readTask(store, taskId)).status).toBe('completed')
})

test('of two that end a task at once, one does', async () => {
  const store = testStore()
  for (let round = 0; round < 50; round += 1) {
    await createTask(store)
    const held = await claimTask(store)
    const outcomes = await Promise.all([store.work.end(held, COMPLETED), store.work.end(held, FAILED)])
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['ok', 'stale'])
  }
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 0 })
})

test('every shown change makes the version one larger, and progress never moves down', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  const held = await claimTask(store)
  const shown = async () => {
    const { version, progress } = await readTask(store, taskId)
    return [version, progress]
  }
  expect(await shown()).toEqual([2, 0])
  await store.work.progress(held, 30)
  expect(await shown()).toEqual([3, 30])
  await store.work.progress(held, 20)
  expect(await shown()).toEqual([3, 30])
  await store.work.step(held, 'one', 'begun')
  expect(await shown()).toEqual([4, 30])
  await store.work.step(held, 'one', 'finished', '{"a":[]}')
  expect(await shown()).toEqual([5, 50])
  await store.work.step(held, 'one', 'finished', '{"a":[]}')
  expect(await shown()).toEqual([5, 50])
})

test('a later attempt finds the finished steps with their outcomes, and progress at their share', async () => {
  const store = testStore()
  await createTask(store)
  const first = await claimTask(store)
  await store.work.step(first, 'one', 'finished', '{"a":[]}')
  await store.work.step(first, 'two', 'failed')
  await store.work.progress(first, 90)
  await store.work.retry(first, 0, FAULT)
  await store.upkeep.tick(0, [], terms())
  const { task } = await claimTask(store)
  expect(task.steps.get('one')).toEqual({ state: 'finished', outcome: '{"a":[]}', undoable: false })
  expect(task.steps.get('two')).toEqual({ state: 'failed', outcome: '', undoable: false })
  expect(task).toMatchObject({ attempt: 2, progress: 50 })
  expect(task.attempts).toMatchObject([
    { attempt: 1, error: FAULT, endedMs: expect.any(Number) },
    { attempt: 2, error: null },
  ])
})

test('a retry waits for its time on Redis’s clock, and its lane is asked for a job then', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  await store.work.retry(await claimTask(store), 150, FAULT)
  const due = (await readTask(store, taskId)).updatedMs + 150
  expect(await store.work.claim(0, 'test')).toBeNull()
  expect(await store.reader.read('default', taskId)).toMatchObject({
    task: { status: 'pending' },
    position: null,
  })
  await until(async () => (await store.upkeep.tick(0, [], terms())).done === 1)
  expect(await store.scripts.now()).toBeGreaterThanOrEqual(due)
  expect(await readTask(store, taskId)).toMatchObject({ status: 'pending' })
  expect((await claimTask(store)).task).toMatchObject({ taskId, attempt: 2 })
})

test('a released task waits again at its old place, its attempt not counted, its open step not begun', async () => {
  const store = testStore()
  const first = await createTask(store)
  await createTask(store)
  const held = await claimTask(store)
  await store.work.step(held, 'one', 'begun')
  await store.work.release(held)
  expect((await readTask(store, first)).steps.size).toBe(0)
  expect(await store.reader.read('default', first)).toMatchObject({
    task: { status: 'pending', attempt: 0 },
    position: 0,
  })
  expect((await claimTask(store)).task).toMatchObject({ taskId: first, attempt: 1 })
})

test('a task whose worker is lost: once back to the flow, twice to the suspects, three times the end', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  await claimTask(store)
  await loseWorker(store, taskId)
  expect((await claimTask(store)).task).toMatchObject({ taskId, attempt: 1 })
  await loseWorker(store, taskId)
  expect((await claimTask(store)).task).toMatchObject({ taskId, attempt: 1 })
  expect(await store.redis.hgetall(`${store.scripts.prefixOf(0)}running:test`)).toEqual({ '~suspects': '1' })
  await loseWorker(store, taskId)
  expect(await store.work.claim(0, 'test')).toBeNull()
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'failed',
    reason: 'worker_lost',
    error: { code: 'worker_lost' },
  })
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 0 })
})

test('a claim that is renewed is not lost; one that another has taken over is told to its holder', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  const held = await claimTask(store)
  const timers = `${store.scripts.prefixOf(0)}timers`
  await store.redis.zadd(timers, 1, `lease:${taskId}`)
  expect(await store.work.renew([held])).toEqual({ stale: [], canceling: [] })
  await store.upkeep.tick(0, [], terms())
  expect(await readTask(store, taskId)).toMatchObject({ status: 'running' })
  await loseWorker(store, taskId)
  const holder = await claimTask(store)
  expect(await store.work.renew([held, holder])).toEqual({ stale: [held], canceling: [] })
})

test('after a time in which nobody ticked, nobody is taken for lost before a whole lease', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  await claimTask(store)
  const base = store.scripts.prefixOf(0)
  await store.redis.hset(`${base}upkeep`, 'ticked', Math.floor(await store.scripts.now()) - 5_000)
  await store.redis.zadd(`${base}timers`, 1, `lease:${taskId}`)
  await store.upkeep.tick(0, [], terms())
  await store.upkeep.tick(0, [], terms())
  expect(await readTask(store, taskId)).toMatchObject({ status: 'running' })
  expect(Number(await store.redis.zscore(`${base}timers`, `lease:${taskId}`))).toBeGreaterThan(
    await store.scripts.now(),
  )
})

test('suspects run one at a time, and whoever ends one takes the next', async () => {
  const store = testStore()
  const [a, b] = [await createTask(store), await createTask(store)]
  for (let loss = 1; loss <= 2; loss += 1) {
    await claimTask(store)
    await claimTask(store)
    await loseWorker(store, a)
    await loseWorker(store, b)
  }
  const suspect = await claimTask(store)
  expect(suspect.task.taskId).toBe(a)
  expect(await store.work.claim(0, 'test')).toBeNull()
  expect(await store.work.end(suspect, COMPLETED)).toMatchObject({ outcome: 'ok' })
  expect((await claimTask(store)).task.taskId).toBe(b)
})

test('of one tenant’s tasks a more urgent one goes first', async () => {
  const store = testStore()
  const usual = await createTask(store, { priority: 5 })
  const urgent = await createTask(store, { priority: 0 })
  expect((await store.reader.read('default', urgent)) as object).toMatchObject({ position: 0 })
  expect((await claimTask(store)).task.taskId).toBe(urgent)
  expect((await claimTask(store)).task.taskId).toBe(usual)
})

test('a flood of urgent tasks does not starve the rest: waiting makes urgent', async () => {
  const store = testStore()
  const usual = await createTask(store, { priority: 5 })
  for (let second = 0; second < 49; second += 7) {
    await createTask(store, { priority: 0 })
    expect((await claimTask(store)).task.taskId).not.toBe(usual)
    await passTime(store, 7_000)
  }
  await passTime(store, 3_000)
  for (let n = 0; n < 20; n += 1) await createTask(store, { priority: 0 })
  expect((await claimTask(store)).task.taskId).toBe(usual)
})

test('tenants take turns: a flood delays another tenant’s first task by one of its own', async () => {
  const store = testStore()
  await Promise.all(Array.from({ length: 500 }, () => createTask(store, { tenant: 'flood' })))
  await claimTask(store)
  await createTask(store, { tenant: 'small' })
  await createTask(store, { tenant: 'small' })
  const order: string[] = []
  for (let n = 0; n < 6; n += 1) order.push((await claimTask(store)).task.tenant)
  expect(order.indexOf('small')).toBeLessThanOrEqual(1)
  expect(order.filter((tenant) => tenant === 'small')).toHaveLength(2)
})

test('a tenant that refills its empty flow again and again does not starve the others', async () => {
  const store = testStore()
  for (let n = 0; n < 10; n += 1) await createTask(store, { tenant: 'zeta' })
  const order: string[] = []
  for (let n = 0; n < 12; n += 1) {
    await createTask(store, { tenant: 'alpha' })
    order.push((await claimTask(store)).task.tenant)
  }
  expect(order.filter((tenant) => tenant === 'zeta').length).toBeGreaterThanOrEqual(5)
})
