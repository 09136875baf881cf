import assert from 'node:assert/strict'
import { createLog } from '@accepted/core'
import { createTask, loseWorker, readTask, submission, terms, until } from '@accepted/core/testing'
import { PermanentError } from '@accepted/operations'
import { expect, test } from 'vitest'
import { TaskRunner } from './task-runner.ts'
import { scene } from './testing/scene.ts'

test('a handler gets its input, completed by the schema, and its own settings', async () => {
  let seen: unknown
  const { store, runner, taskId } = await scene(
    async ({ input, settings, attempt, tenant }) => {
      seen = { input, settings, attempt, tenant }
      return { sum: 3 }
    },
    { environment: { PACE: '9' } },
  )
  expect(await runner.runNext(0, 'test')).toBe(true)
  expect(seen).toEqual({ input: { n: 1, unit: 'mm' }, settings: { PACE: 9 }, attempt: 1, tenant: 'default' })
  expect(await readTask(store, taskId)).toMatchObject({ status: 'completed', result: '{"sum":3}' })
  expect(await runner.runNext(0, 'test')).toBe(false)
})

test('faulty settings of an operation stop the start, in words', async () => {
  await expect(scene(async () => ({ sum: 1 }), { environment: { PACE: 'fast' } })).rejects.toThrow(
    /PACE=fast: must be integer/,
  )
})

test('finished steps are skipped on a re-run and hand back what they stored', async () => {
  const calls: string[] = []
  const { store, runner, taskId } = await scene(async ({ step, attempt }) => {
    const one = await step('one', () => {
      calls.push(`one ${attempt}`)
      return { when: new Date(0), nothing: undefined }
    })
    const two = await step('two', () => {
      calls.push(`two ${attempt}`)
      if (attempt < 3) throw new Error('not yet')
    })
    expect(one).toEqual({ when: '1970-01-01T00:00:00.000Z' })
    expect(two).toBeNull()
    return { sum: attempt }
  })
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await until(async () => {
      await store.upkeep.tick(0, [], terms())
      return runner.runNext(0, 'test')
    })
  }
  expect(calls).toEqual(['one 1', 'two 1', 'two 2', 'two 3'])
  const task = await readTask(store, taskId)
  expect(task).toMatchObject({ status: 'completed', result: '{"sum":3}', attempt: 3 })
  expect(task.attempts.map(({ error }) => error?.code ?? null)).toEqual([
    'attempt_failed',
    'attempt_failed',
    null,
  ])
})

test('after the last attempt the task has failed, and what the error said stays in the house', async () => {
  const { store, runner, taskId } = await scene(async () => {
    throw new Error('password is hunter2')
  })
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await until(async () => {
      await store.upkeep.tick(0, [], terms())
      return runner.runNext(0, 'test')
    })
  }
  const task = await readTask(store, taskId)
  expect(task).toMatchObject({
    status: 'failed',
    reason: 'attempts_exhausted',
    attempt: 3,
    error: { code: 'attempts_exhausted' },
  })
  expect(JSON.stringify(task)).not.toContain('hunter2')
})

test('a PermanentError is never retried, and its message and code are shown', async () => {
  const { store, runner, taskId } = await scene(async () => {
    throw new PermanentError('the shop is closed', { code: 'closed' })
  })
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'failed',
    reason: 'permanent_error',
    attempt: 1,
    error: { type: '/problems/permanent_error', code: 'closed', message: 'the shop is closed' },
  })
})

test.each([
  ['another shape', { sum: '3' }],
  ['a member too many', { sum: 3, more: 1 }],
  ['nothing', undefined],
  ['a bigint', { sum: 3n }],
  ['a function', () => 3],
  ['too much', { sum: 3, text: 'x'.repeat(1_100_000) }],
])('a result that is %s ends the task as invalid_result', async (_name, result) => {
  const { store, runner, taskId } = await scene(async () => result)
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason: 'invalid_result' })
})

test('a circular result ends the task as invalid_result', async () => {
  const circle: Record<string, unknown> = { sum: 1 }
  circle.self = circle
  const { store, runner, taskId } = await scene(async () => circle)
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason: 'invalid_result' })
})

test('whatever a handler throws is a failed attempt', async () => {
  const circular: { self?: unknown } = {}
  circular.self = circular
  for (const thrown of ['text', null, undefined, 0, Object.create(null), circular]) {
    const { store, runner, taskId } = await scene(async () => {
      throw thrown
    })
    await runner.runNext(0, 'test')
    expect(await readTask(store, taskId)).toMatchObject({
      status: 'pending',
      attempts: [{ error: { code: 'attempt_failed' } }],
    })
  }
})

test('an error that says that the task fails for good is believed, whatever its cause, and frozen too', async () => {
  const thrown = [
    new PermanentError('no', { cause: { status: 404 } }),
    Object.freeze(new PermanentError('no')),
  ]
  for (const error of thrown) {
    const { store, runner, taskId } = await scene(async () => {
      throw error
    })
    await runner.runNext(0, 'test')
    expect(await readTask(store, taskId)).toMatchObject({
      status: 'failed',
      reason: 'permanent_error',
      error: { message: 'no' },
    })
  }
})

test('a step that the contract does not declare is a fault of the handler', async () => {
  const { store, runner, taskId } = await scene(async ({ step }) => ({
    sum: await step('three' as 'one', () => 3),
  }))
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'pending',
    attempts: [{ error: { code: 'attempt_failed' } }],
  })
})

test('a step that runs cannot be run beside itself', async () => {
  const refusals: unknown[] = []
  const { store, runner, taskId } = await scene(async ({ step }) => {
    const work = () => new Promise<number>((resolve) => setImmediate(() => resolve(1)))
    const twice = await Promise.allSettled([step('one', work), step('one', work)])
    refusals.push(...twice.flatMap((settled) => (settled.status === 'rejected' ? [settled.reason] : [])))
    return { sum: await step('one', work) }
  })
  await runner.runNext(0, 'test')
  expect(refusals).toMatchObject([{ message: "the step 'one' is running already" }])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'completed' })
})

test('an input that this worker’s contract refuses fails for good', async () => {
  const { store, runner } = await scene(async () => ({ sum: 1 }))
  await runner.runNext(0, 'test')
  const strange = await createTask(store, { body: '{"n":"many"}' })
  await runner.runNext(0, 'test')
  expect(await readTask(store, strange)).toMatchObject({ status: 'failed', error: { code: 'invalid_input' } })
})

test('a worker that stops gives a running task back at once, its attempt not counted', async () => {
  const started = Promise.withResolvers<AbortSignal>()
  const { store, runner, taskId } = await scene(async ({ signal }) => {
    started.resolve(signal)
    return new Promise(() => {})
  })
  const run = runner.runNext(0, 'test')
  const signal = await started.promise
  runner.stop()
  expect(signal.aborted).toBe(true)
  await run
  expect(await readTask(store, taskId)).toMatchObject({ status: 'pending', attempt: 0 })
  expect(await store.work.claim(0, 'test')).toMatchObject({ task: { taskId, attempt: 1 } })
})

test('a worker that lost its task to another writes nothing more, and its handler’s signal fires', async () => {
  const started = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  let signalled = false
  let after: unknown
  const { store, runner, taskId } = await scene(async ({ step, signal }) => {
    started.resolve()
    await go.promise
    after = await step('one', () => 1).catch((error) => error)
    signalled = signal.aborted
    return { sum: 1 }
  })
  const run = runner.runNext(0, 'test')
  await started.promise
  await loseWorker(store, taskId)
  const thief = await store.work.claim(0, 'test')
  expect(thief?.task.taskId).toBe(taskId)
  const before = await readTask(store, taskId)
  go.resolve()
  await run
  await expect.poll(() => signalled).toBe(true)
  expect(after).toMatchObject({ name: 'AbortError' })
  expect(await readTask(store, taskId)).toEqual(before)
})

test('progress is shown while the handler runs', async () => {
  const reported = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const { store, runner, taskId } = await scene(async ({ progress }) => {
    progress(42.7)
    reported.resolve()
    await finish.promise
    return { sum: 1 }
  })
  const run = runner.runNext(0, 'test')
  await reported.promise
  await until(async () => (await readTask(store, taskId)).progress === 42)
  finish.resolve()
  await run
  expect(await readTask(store, taskId)).toMatchObject({ status: 'completed', progress: 100 })
})

test.each([
  Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:80'), { code: 'ECONNREFUSED' }),
  new Error('the upstream timed out'),
])('a network error of the handler’s own counts like any other: %s', async (error) => {
  const { store, runner, taskId } = await scene(() => Promise.reject(error), {
    limits: { ...submission().limits, attempts: 1 },
  })
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason: 'attempts_exhausted' })
})

test.each([
  new Proxy({}, { getPrototypeOf: () => assert.fail('trap') }),
  Object.defineProperty(new Error('x'), 'message', { get: () => assert.fail('getter') }),
  new PermanentError({ much: 1n } as never),
  { odd: () => 1 },
])('what is thrown to do harm is a failed attempt too', async (thrown) => {
  const { store, runner, taskId } = await scene(() => new Promise((_, reject) => reject(thrown)), {
    limits: { ...submission().limits, attempts: 1 },
  })
  await runner.runNext(0, 'test')
  expect((await readTask(store, taskId)).status).toBe('failed')
})

test('a message is cut to what can be shown, and a code that is no slug is not taken', async () => {
  const { store, runner, taskId } = await scene(() =>
    Promise.reject(new PermanentError('m'.repeat(1e7), { code: 'No slug!' })),
  )
  await runner.runNext(0, 'test')
  expect((await readTask(store, taskId)).error).toMatchObject({
    code: 'permanent_error',
    message: 'm'.repeat(2_000),
  })
})

test('what acts on terminals and files is no part of a message', async () => {
  const { store, runner, taskId } = await scene(() =>
    Promise.reject(new PermanentError('no\0 \u001b[31mpaint\u0007\r\n\tleft')),
  )
  await runner.runNext(0, 'test')
  expect((await readTask(store, taskId)).error).toMatchObject({
    message: 'no\ufffd \ufffd[31mpaint\ufffd\r\n\tleft',
  })
})

test('what the store’s being away does to a handler is no attempt of its task', async () => {
  const { store, runner, taskId } = await scene(async ({ resources }) => {
    // A reply of a Redis that is full.
    await resources.redis.eval("return redis.error_reply('OOM command not allowed')", 0)
    return { sum: 1 }
  })
  await runner.runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({ status: 'pending', attempt: 0 })
})

test('a running attempt that has lost its lease is aborted when it is to be renewed', async () => {
  const started = Promise.withResolvers<AbortSignal>()
  const { store, runner, taskId } = await scene(async ({ signal }) => {
    started.resolve(signal)
    return new Promise(() => {})
  })
  const run = runner.runNext(0, 'test')
  const signal = await started.promise
  await runner.renew()
  expect(signal.aborted).toBe(false)
  await loseWorker(store, taskId)
  await runner.renew()
  expect(signal.aborted).toBe(true)
  await run
  expect(await readTask(store, taskId)).toMatchObject({ status: 'pending' })
})

test('ten thousand words on progress within a moment are a handful of writes, the last of them kept', async () => {
  const { store, runner, taskId } = await scene(async ({ progress }) => {
    for (let n = 0; n < 10_000; n += 1) progress(n / 101)
    for (const odd of [250, Number.NaN, -5, 'much' as never, 40]) progress(odd)
    await until(async () => (await readTask(store, taskId)).progress > 0)
    progress(99)
    await until(async () => (await readTask(store, taskId)).progress === 99)
    return { sum: 1 }
  })
  await runner.runNext(0, 'test')
  // Accepted, started, at most one each tenth of a second, ended.
  expect((await readTask(store, taskId)).version).toBeLessThan(8)
})

test('a handler that logs a megabyte is a handler like others', async () => {
  const lines: string[] = []
  const { store, dependencies, taskId } = await scene(async ({ log }) => {
    log.info({ much: 'x'.repeat(1_000_000) }, 'a lot')
    return { sum: 1 }
  })
  const log = createLog('worker', 'info', { write: (line) => void lines.push(line) })
  await new TaskRunner({ ...dependencies, log }).runNext(0, 'test')
  expect(await readTask(store, taskId)).toMatchObject({ status: 'completed' })
  expect(lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'a lot')).toMatchObject({
    task: taskId,
    attempt: 1,
  })
})
