import { createLog } from '@accepted/core'
import {
  calledBack,
  createdId,
  createTask,
  passTime,
  readTask,
  submission,
  terms,
} from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { TaskRunner } from './task-runner.ts'
import { saga, scene } from './testing/scene.ts'

const NEWER = { operation: 'test.newer' }

/** Two workers of one lane: one of a version that knows `test.run` alone, one of a newer version with one operation more. */
async function twoWorkers(run: Parameters<typeof scene>[0] = async () => ({ sum: 1 })) {
  const { store, taskId: known, dependencies, operation } = await scene(run)
  const lines: string[] = []
  const log = createLog('worker', 'warn', { write: (line) => void lines.push(line) })
  const operations = new Map(dependencies.operations).set(NEWER.operation, operation)
  return {
    store,
    older: new TaskRunner({ ...dependencies, log }),
    newer: new TaskRunner({ ...dependencies, operations }),
    /** A task that the older one knows. */
    known,
    words: () => lines.map((line) => JSON.parse(line)),
    /** How long a task is left alone from now on, seconds. */
    async leftForSeconds(taskId: string): Promise<number> {
      const due = await store.redis.zscore(`${store.scripts.prefixOf(0)}timers`, `retry:${taskId}`)
      return Math.round((Number(due) - (await store.scripts.now())) / 1000)
    },
    async pass(seconds: number): Promise<void> {
      await passTime(store, seconds * 1000, { watched: true })
      await store.upkeep.tick(0, ['test'], terms())
    },
  }
}

/** Runs what a worker may, until nothing is left for it now; resolves to how often it asked. */
async function workOff(runner: TaskRunner): Promise<number> {
  let asked = 1
  while (await runner.runNext(0, 'test')) asked += 1
  return asked
}

test('a task of an operation that a worker does not know stays as it is, and one that knows it runs it', async () => {
  const { store, older, newer, known, words, pass } = await twoWorkers()
  const unknown = createdId(await store.submissions.create(calledBack({ events: ['started'] }, NEWER)))
  const before = await readTask(store, unknown)
  const last = await createTask(store)
  expect(await workOff(older)).toBe(4)
  expect(await readTask(store, unknown)).toEqual(before)
  expect(await store.deliveries.of('default', unknown)).toMatchObject({ deliveries: [] })
  for (const taskId of [known, last])
    expect(await readTask(store, taskId)).toMatchObject({ status: 'completed' })
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 0 })
  await pass(1)
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 1 })
  await workOff(newer)
  expect(await readTask(store, unknown)).toMatchObject({ status: 'completed', attempt: 1 })
  expect(words()).toMatchObject([{ operation: 'test.newer', msg: expect.stringContaining('does not know') }])
})

test('where no worker knows an operation, its tasks are looked at less and less often, and said of once', async () => {
  const { store, older, leftForSeconds, pass, words } = await twoWorkers()
  const unknown = await createTask(store, NEWER)
  const left: number[] = []
  for (const seconds of [0, 1, 2, 4, 5, 5]) {
    await pass(seconds)
    await workOff(older)
    left.push(await leftForSeconds(unknown))
  }
  expect(left).toEqual([1, 1, 3, 5, 5, 5])
  expect(await readTask(store, unknown)).toMatchObject({ status: 'pending', attempt: 0, attempts: [] })
  expect(words()).toHaveLength(1)
})

test('what limits a task holds while it is left to another worker', async () => {
  const { store, older, pass } = await twoWorkers()
  const limits = { ...submission().limits, startMs: 3_000 }
  const [late, unwanted] = [await createTask(store, { ...NEWER, limits }), await createTask(store, NEWER)]
  await workOff(older)
  await store.control.cancel('default', unwanted)
  expect(await readTask(store, unwanted)).toMatchObject({ status: 'canceled', reason: 'client' })
  await pass(4)
  expect(await readTask(store, late)).toMatchObject({ status: 'canceled', reason: 'start_timeout' })
  expect(await workOff(older)).toBe(1)
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 0 })
})

test('what is to be undone is undone by a worker that knows how', async () => {
  const calls: string[] = []
  const { store, older, newer, pass } = await twoWorkers(
    saga(calls, async () => {
      throw new Error('not yet')
    }),
  )
  await workOff(older)
  calls.length = 0
  const unknown = await createTask(store, NEWER)
  await workOff(newer)
  await store.control.cancel('default', unknown)
  const before = await readTask(store, unknown)
  await workOff(older)
  expect(await readTask(store, unknown)).toEqual(before)
  await pass(16)
  await workOff(newer)
  expect(await readTask(store, unknown)).toMatchObject({ status: 'canceled', reason: 'client' })
  expect(calls).toEqual(['one', 'two', 'undo two: made two', 'undo one: made one'])
})
