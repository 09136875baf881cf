import { readTask, submission, until } from '@accepted/core/testing'
import { PermanentError } from '@accepted/operations'
import { expect, test } from 'vitest'
import { TaskRunner } from './task-runner.ts'
import { aborted, saga, scene } from './testing/scene.ts'

const LIMITS = submission().limits

test('a running task that is canceled is undone, newest step first', async () => {
  const calls: string[] = []
  const { store, runner, taskId } = await scene(saga(calls, ({ signal }) => aborted(signal)))
  const running = runner.runNext(0, 'test')
  await until(async () => calls.length === 2)
  await until(async () => (await readTask(store, taskId)).progress === 100)
  expect(await store.control.cancel('default', taskId)).toMatchObject({
    outcome: 'canceling',
    task: { status: 'canceling', reason: 'client', error: { code: 'client' } },
  })
  runner.cancel(taskId)
  await running
  expect(calls).toEqual(['one', 'two', 'undo two: made two', 'undo one: made one'])
  const task = await readTask(store, taskId)
  expect(task).toMatchObject({ status: 'canceled', reason: 'client', error: { code: 'client' } })
  expect([...task.steps.values()].map(({ state }) => state)).toEqual(['reverted', 'reverted'])
  expect(task.attempts).toMatchObject([
    { attempt: 1, endedMs: expect.any(Number), error: { code: 'client' } },
  ])
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 0 })
})

test('the workflow shows what is being undone while it is', async () => {
  const seen: unknown[] = []
  const { store, runner, taskId } = await scene(async ({ step, signal }) => {
    const look = async () => {
      const { steps } = await readTask(store, taskId)
      seen.push([steps.get('one')?.state, steps.get('two')?.state])
    }
    await step('one', () => 1, { undo: look })
    await step('two', () => 2, { undo: look })
    await aborted(signal)
  })
  const running = runner.runNext(0, 'test')
  await until(async () => (await readTask(store, taskId)).progress === 100)
  await store.control.cancel('default', taskId)
  await runner.renew()
  await running
  expect(seen).toEqual([
    ['finished', 'reverting'],
    ['reverting', 'reverted'],
  ])
})

test('a running task with nothing to undo is canceled once its handler has settled', async () => {
  let why: unknown
  const { store, runner, taskId } = await scene(async ({ step, signal }) => {
    await step('one', () => 1)
    await aborted(signal).catch((reason) => {
      why = reason
    })
    return { sum: 1 }
  })
  const running = runner.runNext(0, 'test')
  await until(async () => (await readTask(store, taskId)).progress === 50)
  await store.control.cancel('default', taskId)
  runner.cancel(taskId)
  await running
  expect(why).toMatchObject({ name: 'AbortError', message: 'the task is canceled' })
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'canceled',
    reason: 'client',
    resource: null,
  })
})

test('a step that finishes after its task was canceled is known, and undone', async () => {
  const calls: string[] = []
  const { store, runner, taskId } = await scene(async ({ step }) => {
    await step(
      'one',
      async () => {
        await store.control.cancel('default', taskId)
        return 'late'
      },
      { undo: (outcome) => void calls.push(`undo one: ${outcome}`) },
    )
    calls.push('went on')
    return { sum: 1 }
  })
  await runner.runNext(0, 'test')
  expect(calls).toEqual(['undo one: late'])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceled' })
})

test('a handler that ignores its signal is cut off after its grace, and writes nothing more', async () => {
  const gate = Promise.withResolvers<void>()
  const undone: unknown[] = []
  const refusals: unknown[] = []
  let calls = 0
  const { store, runner, taskId } = await scene(
    async ({ step }) => {
      calls += 1
      const told = calls === 1 ? refusals : []
      const undo = (outcome: unknown) => void undone.push(outcome)
      await step('one', () => gate.promise, { undo }).catch((error) => told.push(error))
      await step('two', () => 2).catch((error) => told.push(error))
      return { sum: 1 }
    },
    { limits: { ...LIMITS, graceMs: 20 } },
  )
  const running = runner.runNext(0, 'test')
  await until(async () => (await readTask(store, taskId)).steps.has('one'))
  await store.control.cancel('default', taskId)
  runner.cancel(taskId)
  await running
  const ended = await readTask(store, taskId)
  expect(ended).toMatchObject({ status: 'canceled' })
  // Nobody knows how far the step came, so it was undone.
  expect(ended.steps.get('one')).toMatchObject({ state: 'reverted' })
  expect(undone).toEqual([undefined])
  gate.resolve()
  await until(async () => refusals.length === 2)
  expect(refusals).toMatchObject([{ name: 'AbortError' }, { name: 'AbortError' }])
  expect(await readTask(store, taskId)).toEqual(ended)
})

test('a step that throws is not undone: it leaves nothing behind by itself', async () => {
  const calls: string[] = []
  const { store, runner, taskId } = await scene(async ({ step }) => {
    await step('one', () => 1, { undo: () => void calls.push('undo one') })
    await step('two', () => Promise.reject(new PermanentError('no', { code: 'no_way' })), {
      undo: () => void calls.push('undo two'),
    })
    return { sum: 1 }
  })
  await runner.runNext(0, 'test')
  expect(calls).toEqual(['undo one'])
  const task = await readTask(store, taskId)
  expect(task).toMatchObject({ status: 'failed', reason: 'permanent_error', error: { code: 'no_way' } })
  expect([...task.steps].map(([name, { state }]) => [name, state]).sort()).toEqual([
    ['one', 'reverted'],
    ['two', 'failed'],
  ])
})

test.each([
  ['attempts_exhausted', () => Promise.reject(new Error('odd'))],
  ['invalid_result', async () => ({ sum: 'none' })],
])('a task that fails with %s is undone first', async (reason, then) => {
  const calls: string[] = []
  const { store, runner, taskId } = await scene(saga(calls, then), { limits: { ...LIMITS, attempts: 1 } })
  await runner.runNext(0, 'test')
  expect(calls.slice(2)).toEqual(['undo two: made two', 'undo one: made one'])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason, error: { code: reason } })
})

test('what a later worker undoes it learns from the handler, which runs none of its steps again', async () => {
  const calls: string[] = []
  const { store, runner, taskId, dependencies } = await scene(
    saga(calls, ({ signal, attempt }) => {
      calls.push(`attempt ${attempt}`)
      return aborted(signal)
    }),
  )
  const running = runner.runNext(0, 'test')
  await until(async () => (await readTask(store, taskId)).progress === 100)
  // The worker stops while the task is canceling, before it has undone anything.
  await store.control.cancel('default', taskId)
  runner.stop()
  await running
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceling' })
  const successor = new TaskRunner(dependencies)
  expect(await successor.runNext(0, 'test')).toBe(true)
  expect(calls).toEqual(['one', 'two', 'attempt 1', 'undo two: made two', 'undo one: made one'])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceled' })
})

test('a handler that caught the failure of a step is followed on its way when its undos are learnt', async () => {
  const calls: string[] = []
  const { store, runner, taskId } = await scene(async ({ step }) => {
    await step('one', () => Promise.reject(new Error('optional'))).catch(() => undefined)
    await step('two', () => 2, { undo: () => void calls.push('undo two') })
    throw new PermanentError('no')
  })
  await runner.runNext(0, 'test')
  expect(calls).toEqual(['undo two'])
  expect(await readTask(store, taskId)).toMatchObject({ reason: 'permanent_error' })
})
