import { expect, test } from 'vitest'
import {
  claimTask,
  createTask,
  loseWorker,
  passTime,
  readTask,
  submission,
  type TestStore,
  terms,
  testStore,
} from '../testing/index.ts'
import type { Claim, Ending } from './work.ts'

const CANCELED: Ending = { status: 'canceled', reason: 'client', result: null, resource: null, error: null }
const COMPLETED: Ending = { ...CANCELED, status: 'completed', reason: null, result: '1' }

/** Creates a task and claims it; its step 'one' is finished and has an undo. */
async function undoable(store: TestStore, limits = {}): Promise<Claim> {
  await createTask(store, { limits: { ...submission().limits, ...limits } })
  const held = await claimTask(store)
  await store.work.step(held, 'one', 'begun')
  await store.work.step(held, 'one', 'undoable', '1')
  return held
}

test('who lost a task that is canceling can write nothing more while it waits to be undone', async () => {
  const store = testStore()
  const lost = await undoable(store)
  const { taskId } = lost.task
  await store.control.cancel('default', taskId)
  await loseWorker(store, taskId)
  const before = await readTask(store, taskId)
  expect(await store.work.renew([lost])).toEqual({ stale: [lost], canceling: [] })
  expect(await store.work.step(lost, 'two', 'finished', '2')).toBe('stale')
  expect(await store.work.retry(lost, 0, null)).toBe('stale')
  expect(await store.work.release(lost)).toBe('stale')
  expect(await store.work.end(lost, CANCELED)).toEqual({ outcome: 'stale' })
  expect(await readTask(store, taskId)).toEqual(before)
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 1, running: 0, claimable: 1 })
})

test('a task whose last attempt was lost before its deadline came is not its loser’s either', async () => {
  const store = testStore()
  const lost = await undoable(store, { totalMs: 60_000 })
  await loseWorker(store, lost.task.taskId)
  await passTime(store, 60_000)
  await store.upkeep.tick(0, [], terms())
  expect(await readTask(store, lost.task.taskId)).toMatchObject({ status: 'canceling', reason: 'deadline' })
  expect(await store.work.end(lost, COMPLETED)).toEqual({ outcome: 'stale' })
  expect((await claimTask(store)).task.steps.get('one')).toMatchObject({ undoable: true })
})

test('a retry that is due together with the deadline puts the task into its flow once', async () => {
  const store = testStore()
  const held = await undoable(store, { totalMs: 10_000 })
  await store.work.retry(held, 15_000, null)
  await passTime(store, 20_000)
  await store.upkeep.tick(0, [], terms())
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 1, claimable: 1 })
  await claimTask(store)
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, claimable: 0 })
})

test('however often undoing is given back, the same is shown', async () => {
  const store = testStore()
  const held = await undoable(store)
  await store.control.cancel('default', held.task.taskId)
  await store.work.release(held)
  const before = await readTask(store, held.task.taskId)
  for (let n = 0; n < 12; n += 1) await store.work.release(await claimTask(store))
  expect(before.attempts).toHaveLength(1)
  const { beganMs, ...shown } = before
  expect(await readTask(store, held.task.taskId)).toMatchObject(shown)
})

test('a task that is canceling has no limits any more', async () => {
  const store = testStore()
  const held = await undoable(store, { confirmMs: 60_000, totalMs: 60_000 })
  const { taskId } = held.task
  await store.work.end(held, COMPLETED)
  await store.control.cancel('default', taskId)
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceling', confirmByMs: null })
  expect(await store.redis.zrange(`${store.scripts.prefixOf(0)}timers`, '0', '-1')).toEqual([])
})

test('a word that comes after the deadline confirms nothing, whether or not a tick has come by', async () => {
  const store = testStore()
  const held = await undoable(store, { confirmMs: 60_000, totalMs: 30_000 })
  const { taskId } = held.task
  await store.work.end(held, COMPLETED)
  await passTime(store, 40_000)
  expect(await store.control.confirm('default', taskId)).toEqual({
    outcome: 'not_awaiting',
    status: 'canceling',
  })
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceling', reason: 'deadline' })
})

test('a canceled task whose worker is lost ends at once if there is nothing to undo', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  const held = await claimTask(store)
  await store.work.step(held, 'one', 'begun')
  await store.control.cancel('default', taskId)
  await loseWorker(store, taskId)
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'canceled',
    reason: 'client',
    steps: new Map([['one', { state: 'failed', outcome: '', undoable: false }]]),
    attempts: [{ error: { code: 'client' } }],
  })
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 0 })
})

test('a claim comes by a bounded number of tasks that must not start, and asks for a job for the rest', async () => {
  const store = testStore()
  const usual = submission()
  const limited = { ...usual, limits: { ...usual.limits, startMs: 1_000 } }
  await Promise.all(Array.from({ length: 250 }, () => store.submissions.create(limited)))
  // As many as are enough for a lane whose slots nobody knows.
  await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(100)
  await passTime(store, 2_000)
  expect(await store.work.claim(0, 'test')).toBeNull()
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 50, running: 0 })
  await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(101)
  expect(await store.work.claim(0, 'test')).toBeNull()
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 0 })
})

test('an act that reaches the store after its client was refused does nothing', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  for (const act of ['cancel', 'confirm', 'delete'] as const) {
    const { answer } = await store.scripts.run(act, 0, ['default', taskId, 1, 60_000])
    expect(answer).toEqual(['late'])
  }
  expect(await readTask(store, taskId)).toMatchObject({ status: 'pending', version: 1 })
})

test('a task that gets on with its steps wipes out its losses', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  for (const name of ['one', 'two']) {
    for (let loss = 0; loss < 2; loss += 1) {
      await claimTask(store)
      await loseWorker(store, taskId)
    }
    const held = await claimTask(store)
    await store.work.step(held, name, 'begun')
    await store.work.step(held, name, 'finished', '1')
    await store.work.release(held)
  }
  expect(await readTask(store, taskId)).toMatchObject({ status: 'pending' })
})
