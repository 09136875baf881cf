import { StoreUnavailable } from '@accepted/core'
import { contentsOf, loseWorker, readTask, submission, terms, until } from '@accepted/core/testing'
import { PermanentError } from '@accepted/operations'
import { expect, test } from 'vitest'
import { TaskRunner } from './task-runner.ts'
import { aborted, saga, scene } from './testing/scene.ts'

const LIMITS = submission().limits

test('an undo that fails is tried again; what is undone is not undone again', async () => {
  const calls: string[] = []
  let faults = 2
  const { store, runner, taskId } = await scene(async ({ step, signal }) => {
    await step('one', () => 1, {
      undo: () => {
        calls.push('undo one')
        if (faults-- > 0) throw new Error('not now')
      },
    })
    await step('two', () => 2, { undo: () => void calls.push('undo two') })
    await aborted(signal)
  })
  const running = runner.runNext(0, 'test')
  await until(async () => (await readTask(store, taskId)).progress === 100)
  await store.control.cancel('default', taskId)
  runner.cancel(taskId)
  await running
  expect((await readTask(store, taskId)).status).toBe('canceling')
  expect((await contentsOf(store)).field(taskId, 'undos')).toBe('1')
  await until(async () => {
    await store.upkeep.tick(0, [], terms())
    await runner.runNext(0, 'test')
    return (await readTask(store, taskId)).status === 'canceled'
  })
  expect(calls).toEqual(['undo two', 'undo one', 'undo one', 'undo one'])
})

test('an undo that goes on failing ends the task as revert_failed, and tells which step is left standing', async () => {
  const { store, runner, taskId } = await scene(
    saga([], async () => {
      throw new PermanentError('no')
    }),
  )
  const {
    store: other,
    runner: second,
    taskId: doomed,
  } = await scene(async ({ step }) => {
    await step('one', () => 1, { undo: () => undefined })
    await step('two', () => 2, { undo: () => Promise.reject(new Error('stuck')) })
    throw new PermanentError('no')
  })
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({ reason: 'permanent_error' })
  await until(async () => {
    await other.upkeep.tick(0, [], terms())
    await second.runNext(0, 'test')
    return (await readTask(other, doomed)).finishedMs !== null
  })
  const task = await readTask(other, doomed)
  expect(task).toMatchObject({
    status: 'failed',
    reason: 'revert_failed',
    error: {
      code: 'revert_failed',
      message: "The step 'two' could not be undone. Still standing before it: one.",
    },
  })
  expect(task.steps.get('one')?.state).toBe('finished')
  expect(task.steps.get('two')?.state).toBe('failed')
})

test('a PermanentError in an undo is not tried again', async () => {
  let tries = 0
  const { store, runner, taskId } = await scene(async ({ step }) => {
    await step('one', () => 1, {
      undo: () => {
        tries += 1
        throw new PermanentError('never')
      },
    })
    throw new PermanentError('no')
  })
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason: 'revert_failed' })
  expect(tries).toBe(1)
})

test('a worker that dies in the middle of an undo is followed by another, which goes on there', async () => {
  const calls: string[] = []
  let first = true
  const { store, runner, taskId, dependencies } = await scene(async ({ step }) => {
    await step('one', () => 1, {
      undo: async (_outcome, signal) => {
        calls.push('undo one')
        if (first) {
          first = false
          await aborted(signal)
        }
      },
    })
    await step('two', () => 2, { undo: () => void calls.push('undo two') })
    throw new PermanentError('no')
  })
  const dying = runner.runNext(0, 'test')
  await until(async () => calls.includes('undo one'))
  await loseWorker(store, taskId)
  const successor = new TaskRunner(dependencies)
  await successor.runNext(0, 'test')
  await runner.renew()
  await dying
  expect(calls).toEqual(['undo two', 'undo one', 'undo one'])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason: 'permanent_error' })
})

test('a step whose worker died in its middle is undone though nobody knows how far it came', async () => {
  const calls: unknown[] = []
  const { store, runner, taskId, dependencies } = await scene(async ({ step, signal }) => {
    const begin = () => {
      calls.push('one')
      return aborted(signal)
    }
    await step('one', begin, { undo: (outcome) => void calls.push(outcome) })
    return { sum: 1 }
  })
  const dying = runner.runNext(0, 'test')
  await until(async () => calls.length === 1)
  await loseWorker(store, taskId)
  const lost = await readTask(store, taskId)
  expect(lost).toMatchObject({ status: 'pending' })
  expect(lost.steps.get('one')?.state).toBe('not started')
  expect(await store.control.cancel('default', taskId)).toMatchObject({ outcome: 'canceling' })
  await new TaskRunner(dependencies).runNext(0, 'test')
  await runner.renew()
  await dying
  expect(calls).toEqual(['one', undefined])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceled', reason: 'client' })
})

test('a step that was cut off stays in doubt though a later run of it fails, and is undone', async () => {
  const calls: unknown[] = []
  const { store, runner, taskId, dependencies } = await scene(async ({ step, signal, attempt }) => {
    const begin = () => {
      calls.push(`one ${calls.length}`)
      if (calls.length > 1) throw new PermanentError('no')
      return aborted(signal)
    }
    await step('one', begin, { undo: (outcome) => void calls.push(outcome) })
    return { sum: attempt }
  })
  const dying = runner.runNext(0, 'test')
  await until(async () => calls.length === 1)
  await loseWorker(store, taskId)
  await new TaskRunner(dependencies).runNext(0, 'test')
  await runner.renew()
  await dying
  expect(calls).toEqual(['one 0', 'one 1', undefined])
  const task = await readTask(store, taskId)
  expect(task).toMatchObject({ status: 'failed', reason: 'permanent_error' })
  expect(task.steps.get('one')?.state).toBe('reverted')
})

test('a step under which the store was away is in doubt: if its task is canceled then, it is undone', async () => {
  const calls: unknown[] = []
  const { store, runner, taskId } = await scene(async ({ step }) => {
    const lost = () => Promise.reject(new StoreUnavailable('no reply'))
    await step('one', lost, { undo: (outcome) => void calls.push(outcome) })
    return { sum: 1 }
  })
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({ status: 'pending' })
  expect(await store.control.cancel('default', taskId)).toMatchObject({ outcome: 'canceling' })
  await runner.runNext(0, 'test')
  expect(calls).toEqual([undefined])
})

test('an undo that hangs is cut off by the run limit, and in the end named as what stands', async () => {
  const { store, runner, taskId } = await scene(
    async ({ step }) => {
      await step('one', () => 1, { undo: () => new Promise(() => undefined) })
      await step('two', () => 2, { undo: () => undefined })
      throw new PermanentError('no')
    },
    { limits: { ...LIMITS, runMs: 30 } },
  )
  await until(async () => {
    await store.upkeep.tick(0, [], terms())
    await runner.runNext(0, 'test')
    return (await readTask(store, taskId)).finishedMs !== null
  })
  const task = await readTask(store, taskId)
  expect(task).toMatchObject({
    status: 'failed',
    reason: 'revert_failed',
    error: { code: 'revert_failed', message: "The step 'one' could not be undone." },
  })
  expect([...task.steps].map(([name, { state }]) => [name, state]).sort()).toEqual([
    ['one', 'failed'],
    ['two', 'reverted'],
  ])
})

test('undoing that loses three workers fails, and tells what stands', async () => {
  const { store, taskId } = await scene(async () => ({ sum: 1 }))
  const claim = (await store.work.claim(0, 'test'))!
  for (const name of ['one', 'two']) {
    await store.work.step(claim, name, 'begun_undoable')
    await store.work.step(claim, name, 'undoable', '1')
  }
  await store.control.cancel('default', taskId)
  for (let loss = 0; loss < 3; loss += 1) {
    await loseWorker(store, taskId)
    await store.work.claim(0, 'test')
  }
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'failed',
    reason: 'revert_failed',
    error: { message: "The step 'two' could not be undone. Still standing before it: one." },
  })
})

test('branches of a handler that run beside each other are all undone, though one was cut off early', async () => {
  const calls: string[] = []
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const { store, runner, taskId } = await scene(
    async ({ step, signal }) => {
      const stuck = () => aborted(signal)
      const slow = async () => {
        await turn()
        await step('two', () => 2, { undo: () => void calls.push('undo two') })
      }
      await Promise.all([step('one', stuck, { undo: () => void calls.push('undo one') }), slow()])
    },
    { limits: { ...LIMITS, graceMs: 100 } },
  )
  const running = runner.runNext(0, 'test')
  await until(async () => (await readTask(store, taskId)).steps.get('two')?.state === 'finished')
  await store.control.cancel('default', taskId)
  runner.cancel(taskId)
  await running
  expect(calls).toEqual(['undo two'])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceled' })
})

test('a step that is asked for twice is undone once', async () => {
  const calls: string[] = []
  const { store, runner, taskId } = await scene(async ({ step }) => {
    for (const name of ['one', 'one', 'two'] as const)
      await step(name, () => 1, { undo: () => void calls.push(`undo ${name}`) })
    throw new PermanentError('no')
  })
  await runner.runNext(0, 'test')
  expect(calls).toEqual(['undo two', 'undo one'])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason: 'permanent_error' })
})

test('an undo whose own network fails is tried as often as others, and no more', async () => {
  let tries = 0
  const { store, runner, taskId } = await scene(async ({ step }) => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:80'), { code: 'ECONNREFUSED' })
    await step('one', () => 1, {
      undo: () => {
        tries += 1
        throw refused
      },
    })
    throw new PermanentError('no')
  })
  await until(async () => {
    await store.upkeep.tick(0, [], terms())
    await runner.runNext(0, 'test')
    return (await readTask(store, taskId)).finishedMs !== null
  })
  expect(tries).toBe(3)
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason: 'revert_failed' })
})
