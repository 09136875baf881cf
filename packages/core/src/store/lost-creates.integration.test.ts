import type { ProxyMode } from '@accepted/local-redis'
import { expect, test } from 'vitest'
import {
  claimTask,
  createdId,
  distantProcess,
  readTask,
  submission,
  testStore,
  until,
} from '../testing/index.ts'
import type { SubmissionOutcome } from './submissions.ts'

const KEYED = { idempotency: { key: 'k', fingerprint: 'f' } }
const UNTOUCHED = { waiting: 0, running: 0, claimable: 0 }

async function scene() {
  const store = testStore()
  const { line, redis, lost, submissions } = await distantProcess(store)
  /** Creates a task whose answer gets lost once Redis has accepted it, and cuts the line; what the client is told. */
  const createUnheard = async (changes: Partial<typeof KEYED> = {}, then: ProxyMode = 'shut') => {
    await line.set('mute')
    const told = submissions.create(submission(changes)).then(
      (outcome): SubmissionOutcome | 'refused' => outcome,
      () => 'refused' as const,
    )
    const [task] = await until(async () => {
      const { tasks } = await store.reader.list('default', {}, 10)
      return tasks.length > 0 && tasks
    })
    await line.set(then)
    line.cut()
    return { taskId: task!.taskId, told }
  }
  const listed = async () => (await store.reader.list('default', {}, 10)).tasks.map(({ taskId }) => taskId)
  return { store, line, redis, lost, submissions, createUnheard, listed }
}

test('a create whose answer got lost is found, if the line is back while its client waits', async () => {
  const { store, line, createUnheard, listed } = await scene()
  const { taskId, told } = await createUnheard()
  await claimTask(store)
  await line.set('open')
  expect(await told).toMatchObject({
    outcome: 'created',
    task: { taskId, status: 'running' },
    position: null,
  })
  expect(await listed()).toEqual([taskId])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'running' })
})

test('if it is not, the client is refused, and the task leaves no trace once the line is back', async () => {
  const { store, line, createUnheard, listed } = await scene()
  const { taskId, told } = await createUnheard(KEYED)
  expect(await told).toBe('refused')
  expect(await listed()).toEqual([taskId])
  await line.set('open')
  await until(async () => (await listed()).length === 0)
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject(UNTOUCHED)
  const traces = (await store.redis.keys(`${store.prefix}:*`)).filter(
    (key) => !/:(bull:|lane:|operations:|(format|figures|stored)$)/.test(key),
  )
  expect(traces).toEqual([])
  expect(await store.redis.hgetall(`${store.scripts.prefixOf(0)}figures`)).toEqual({
    'created test.run': '1',
    'withdrawn test.run': '1',
    'tasks test.run pending': '0',
  })
  expect(await store.redis.hkeys(`${store.scripts.prefixOf(0)}stored`)).toEqual([' since'])
  expect(await store.submissions.create(submission(KEYED))).toMatchObject({ outcome: 'created' })
})

test('a key that is of another task by then stays with that one', async () => {
  const { store, line, createUnheard, listed } = await scene()
  const { taskId, told } = await createUnheard(KEYED)
  expect(await told).toBe('refused')
  // As if the line had been away for longer than a key is remembered.
  const [key] = await store.redis.keys(`${store.prefix}:*key:*`)
  await store.redis.del(key!)
  const later = createdId(await store.submissions.create(submission(KEYED)))
  await line.set('open')
  await until(async () => !(await listed()).includes(taskId))
  expect(await store.submissions.create(submission(KEYED))).toEqual({ outcome: 'exists', taskId: later })
})

test('who was refused and sends the key again keeps the task', async () => {
  const { store, line, redis, lost, createUnheard, listed } = await scene()
  const { taskId, told } = await createUnheard(KEYED)
  expect(await told).toBe('refused')
  expect(await store.submissions.create(submission(KEYED))).toEqual({ outcome: 'exists', taskId })
  await line.set('open')
  await until(async () => redis.status === 'ready')
  await lost.close()
  expect(await listed()).toEqual([taskId])
  expect((await claimTask(store)).task.taskId).toBe(taskId)
})

test('what a worker has begun meanwhile is canceled', async () => {
  const { store, line, createUnheard } = await scene()
  const { taskId, told } = await createUnheard()
  expect(await told).toBe('refused')
  const claim = await claimTask(store)
  await line.set('open')
  await until(async () => (await readTask(store, taskId)).status === 'canceling')
  expect(await store.work.renew([claim])).toEqual({ stale: [], canceling: [claim] })
})

test('unless it has a key: who repeats that finds it', async () => {
  const { store, line, redis, lost, createUnheard } = await scene()
  const { taskId, told } = await createUnheard(KEYED)
  expect(await told).toBe('refused')
  await claimTask(store)
  await line.set('open')
  await until(async () => redis.status === 'ready')
  await lost.close()
  expect(await readTask(store, taskId)).toMatchObject({ status: 'running' })
  expect(await store.submissions.create(submission(KEYED))).toEqual({ outcome: 'exists', taskId })
})

test('what has ended meanwhile stays as it is', async () => {
  const { store, line, redis, lost, createUnheard } = await scene()
  const { taskId, told } = await createUnheard()
  expect(await told).toBe('refused')
  const completed = { status: 'completed', reason: null, result: '1', resource: null, error: null } as const
  await store.work.end(await claimTask(store), completed)
  await line.set('open')
  await until(async () => redis.status === 'ready')
  await lost.close()
  expect(await readTask(store, taskId)).toMatchObject({ status: 'completed', result: '1' })
})

test('a create that was never sent is refused at once, and nobody looks for it', async () => {
  const { line, redis, submissions, listed } = await scene()
  await line.set('shut')
  await until(async () => redis.status !== 'ready')
  await expect(submissions.create(submission())).rejects.toMatchObject({
    name: 'StoreUnavailable',
    mayHaveHappened: false,
  })
  expect(await listed()).toEqual([])
})
