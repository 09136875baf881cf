import { StoreUnavailable } from '@accepted/core'
import { loseWorker, submission, terms, until } from '@accepted/core/testing'
import { PermanentError } from '@accepted/operations'
import { expect, test } from 'vitest'
import { TaskRunner } from './task-runner.ts'
import { type Context, readTask, scene } from './testing/scene.ts'

const LIMITS = submission().limits

/** Resolves when the signal fires, as a handler would that heeds it; rejects as such do. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

/** A handler of two steps with undos, which tells what it does, then goes on as the test says. */
function saga(calls: string[], then: (context: Context) => Promise<unknown>) {
  return async (context: Context) => {
    for (const name of ['one', 'two'] as const) {
      const make = () => {
        calls.push(name)
        return `made ${name}`
      }
      await context.step(name, make, { undo: (outcome) => void calls.push(`undo ${name}: ${outcome}`) })
    }
    return then(context)
  }
}

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
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceling', undos: 1 })
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
