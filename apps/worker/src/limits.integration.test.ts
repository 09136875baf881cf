import { createTask, loseWorker, readTask, submission, terms, until } from '@accepted/core/testing'
import { PermanentError, RetryableError } from '@accepted/operations'
import { expect, test } from 'vitest'
import { TaskRunner } from './task-runner.ts'
import { type Context, scene } from './testing/scene.ts'

const LIMITS = submission().limits

/** A handler that would never end, but heeds its signal. */
function endless({ signal }: Context): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

test('an attempt that takes too long is cut off and tried again; the last one fails the task', async () => {
  const { store, runner, taskId } = await scene(endless, { limits: { ...LIMITS, attempts: 2, runMs: 20 } })
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'pending',
    attempts: [{ error: { code: 'run_timeout' } }],
  })
  await until(async () => {
    await store.upkeep.tick(0, [], terms())
    return runner.runNext(0, 'test')
  })
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'failed',
    reason: 'run_timeout',
    error: { code: 'run_timeout' },
    attempts: [{ attempt: 1 }, { attempt: 2, error: { code: 'run_timeout' } }],
  })
})

test('an attempt of a worker that is dead or stands still times out all the same', async () => {
  const { store, taskId } = await scene(endless, { limits: { ...LIMITS, attempts: 1, runMs: 1, graceMs: 0 } })
  const { beganMs } = (await store.work.claim(0, 'test'))!.task
  await until(async () => (await store.scripts.now()) > beganMs! + 2)
  await loseWorker(store, taskId)
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason: 'run_timeout' })
})

test('a task that nobody starts in time is canceled, whether or not a tick comes by before a worker', async () => {
  const limits = { ...LIMITS, startMs: 1 }
  const { store, runner, taskId } = await scene(async () => ({ sum: 1 }), { limits })
  await until(async () => {
    await store.upkeep.tick(0, [], terms())
    return (await readTask(store, taskId)).finishedMs
  })
  const second = await createTask(store, { limits })
  const created = (await readTask(store, second)).createdMs
  await until(async () => (await store.scripts.now()) > created + 2)
  expect(await runner.runNext(0, 'test')).toBe(false)
  for (const id of [taskId, second]) {
    expect(await readTask(store, id)).toMatchObject({
      status: 'canceled',
      reason: 'start_timeout',
      error: { code: 'start_timeout' },
      attempt: 0,
    })
  }
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 0 })
})

test('a task that was started in time is not canceled for its start, though it waits again', async () => {
  const { store, runner, taskId } = await scene(
    async ({ attempt }) => {
      if (attempt === 1) throw new RetryableError('later', { delaySeconds: 0 })
      return { sum: 1 }
    },
    { limits: { ...LIMITS, startMs: 60_000 } },
  )
  await runner.runNext(0, 'test')
  await store.redis.hset(`${store.scripts.prefixOf(0)}open:${taskId}`, 'start_by', 1)
  await until(async () => {
    await store.upkeep.tick(0, [], terms())
    return runner.runNext(0, 'test')
  })
  expect(await readTask(store, taskId)).toMatchObject({ status: 'completed' })
})

test('a running task is canceled at its deadline and undone', async () => {
  let undone = false
  const { store, runner, taskId } = await scene(
    async (context) => {
      await context.step('one', () => 1, {
        undo: () => {
          undone = true
        },
      })
      return endless(context)
    },
    { limits: { ...LIMITS, totalMs: 200 } },
  )
  const running = runner.runNext(0, 'test')
  const { deadlineMs, createdMs } = await readTask(store, taskId)
  expect(deadlineMs).toBe(createdMs + 200)
  await until(async () => {
    await store.upkeep.tick(0, [], terms())
    return (await readTask(store, taskId)).status === 'canceling'
  })
  await runner.renew()
  await running
  expect(undone).toBe(true)
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceled', reason: 'deadline' })
})

test('a deadline that passed while every worker was dead takes effect when one comes', async () => {
  const { store, runner, taskId } = await scene(async () => ({ sum: 1 }), {
    limits: { ...LIMITS, totalMs: 1 },
  })
  await until(async () => (await store.scripts.now()) > (await readTask(store, taskId)).deadlineMs! + 1)
  expect(await runner.runNext(0, 'test')).toBe(false)
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceled', reason: 'deadline', attempt: 0 })
})

test('a RetryableError says when, and its words are shown', async () => {
  const { store, runner, taskId } = await scene(
    () => Promise.reject(new RetryableError('The press is hot.', { delaySeconds: 3_600, code: 'too_hot' })),
    { limits: { ...LIMITS, attempts: 2 } },
  )
  const before = await store.scripts.now()
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'pending',
    attempts: [{ attempt: 1, error: { code: 'too_hot', message: 'The press is hot.' } }],
  })
  const timers = `${store.scripts.prefixOf(0)}timers`
  const due = Number(await store.redis.zscore(timers, `retry:${taskId}`))
  expect(due - before).toBeGreaterThanOrEqual(3_600_000)
  expect(due - before).toBeLessThan(3_610_000)
  await store.redis.zadd(timers, 1, `retry:${taskId}`)
  await store.upkeep.tick(0, [], terms())
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'failed',
    reason: 'attempts_exhausted',
    error: { code: 'too_hot', message: 'The press is hot.' },
  })
})

test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, 'soon' as never])(
  'a RetryableError that asks for a delay of %s waits as its operation says',
  async (delaySeconds) => {
    const { store, runner, taskId } = await scene(() =>
      Promise.reject(new RetryableError('no', { delaySeconds })),
    )
    const before = await store.scripts.now()
    await runner.runNext(0, 'test')
    const due = Number(await store.redis.zscore(`${store.scripts.prefixOf(0)}timers`, `retry:${taskId}`))
    expect(due - before).toBeLessThan(1_000)
  },
)

test('a task of an operation that asks for it awaits confirmation with its result, then completes', async () => {
  const { store, runner, taskId } = await scene(async () => ({ sum: 1 }), {
    limits: { ...LIMITS, confirmMs: 60_000 },
  })
  await runner.runNext(0, 'test')
  const awaiting = await readTask(store, taskId)
  expect(awaiting).toMatchObject({ status: 'awaiting_confirmation', result: '{"sum":1}', finishedMs: null })
  expect(awaiting.confirmByMs).toBe(awaiting.updatedMs + 60_000)
  expect(await store.control.confirm('default', taskId)).toMatchObject({
    outcome: 'confirmed',
    task: { status: 'completed', result: '{"sum":1}', progress: 100, reason: null },
  })
  expect(await store.control.confirm('default', taskId)).toEqual({ outcome: 'ended', status: 'completed' })
  expect(await store.redis.zcard(`${store.scripts.prefixOf(0)}timers`)).toBe(0)
})

test('a task that is not confirmed in time is undone and canceled; a word that comes too late finds it so', async () => {
  let undone = 0
  const { store, runner, taskId, dependencies } = await scene(
    async ({ step }) => {
      await step('one', () => 1, {
        undo: () => {
          undone += 1
        },
      })
      return { sum: 1 }
    },
    { limits: { ...LIMITS, confirmMs: 1 } },
  )
  await runner.runNext(0, 'test')
  await until(async () => (await store.scripts.now()) > (await readTask(store, taskId)).confirmByMs! + 1)
  expect(await store.control.confirm('default', taskId)).toEqual({
    outcome: 'not_awaiting',
    status: 'canceling',
  })
  await new TaskRunner(dependencies).runNext(0, 'test')
  const task = await readTask(store, taskId)
  expect(task).toMatchObject({ status: 'canceled', reason: 'unconfirmed' })
  expect(task).not.toHaveProperty('result')
  expect(undone).toBe(1)
})

test('of confirmations and cancellations that race exactly one wins, and all are told the truth', async () => {
  const { store, runner } = await scene(
    async ({ step }) => {
      await step('one', () => 1, { undo: () => undefined })
      return { sum: 1 }
    },
    { limits: { ...LIMITS, confirmMs: 60_000 } },
  )
  await runner.runNext(0, 'test')
  for (let round = 0; round < 20; round += 1) {
    const taskId = await createTask(store, { limits: { ...LIMITS, confirmMs: 60_000 } })
    await runner.runNext(0, 'test')
    const calls = Array.from({ length: 20 }, (_, n) =>
      n % 2 === round % 2
        ? store.control.confirm('default', taskId)
        : store.control.cancel('default', taskId),
    )
    const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome)
    await runner.runNext(0, 'test')
    const { status } = await readTask(store, taskId)
    if (status === 'completed') {
      expect(outcomes.filter((word) => word === 'confirmed')).toHaveLength(1)
      expect(outcomes.filter((word) => word === 'ended')).toHaveLength(19)
    } else {
      expect(status).toBe('canceled')
      expect(outcomes.filter((word) => word === 'canceling')).toHaveLength(10)
      expect(outcomes.filter((word) => word === 'not_awaiting')).toHaveLength(10)
    }
  }
})

test('an error without words of its own is told in those of its kind', async () => {
  const { store, runner, taskId } = await scene(() => Promise.reject(new PermanentError('')))
  await runner.runNext(0, 'test')
  expect((await readTask(store, taskId)).error?.message).toMatch(/no further attempt can succeed/)
})
