import { expect, test, vi } from 'vitest'
import { createTask, type TestStore, terms, testStore, until } from '../testing/index.ts'
import type { TaskFilter } from './reader.ts'

const COMPLETED = {
  status: 'completed',
  reason: null,
  result: '1',
  resource: '/cars/7',
  error: null,
} as const

/** Creates a task and ends it. */
async function ended(store: TestStore, changes = {}): Promise<string> {
  const taskId = await createTask(store, changes)
  const claim = await store.work.claim(0, 'test')
  await store.work.end(claim!, COMPLETED)
  return taskId
}

async function ids(store: TestStore, filter: TaskFilter, limit: number): Promise<string[][]> {
  const pages: string[][] = []
  let cursor: Parameters<TestStore['reader']['list']>[3]
  do {
    const page = await store.reader.list('default', filter, limit, cursor)
    pages.push(page.tasks.map(({ taskId }) => taskId))
    cursor = page.next ?? undefined
  } while (cursor)
  return pages
}

test('a list goes from the newest to the oldest, page by page, and shows every task once', async () => {
  const store = testStore()
  const all: string[] = []
  for (let n = 0; n < 4; n += 1)
    all.push(...(await Promise.all(Array.from({ length: 6 }, () => createTask(store)))))
  const pages = await ids(store, {}, 7)
  expect(pages.map((page) => page.length)).toEqual([7, 7, 7, 3])
  expect(pages.flat()).toEqual(all.reverse())
})

test('tasks that are added while somebody turns pages do not shift them', async () => {
  const store = testStore()
  const old = [await createTask(store), await createTask(store), await createTask(store)]
  const first = await store.reader.list('default', {}, 2)
  await createTask(store)
  const second = await store.reader.list('default', {}, 2, first.next!)
  expect([...first.tasks, ...second.tasks].map(({ taskId }) => taskId)).toEqual(old.reverse())
  expect(second.next).toBeNull()
})

test('filters by status, by operation, by both, each from as few indexes as it needs', async () => {
  const store = testStore()
  const a = await ended(store, { operation: 'a.run' })
  const b = await ended(store, { operation: 'b.run' })
  const waiting = await createTask(store, { operation: 'a.run' })
  expect(await ids(store, { status: 'completed' }, 10)).toEqual([[b, a]])
  expect(await ids(store, { operation: 'a.run' }, 10)).toEqual([[waiting, a]])
  expect(await ids(store, { operation: 'a.run', status: 'pending' }, 10)).toEqual([[waiting]])
  expect(await ids(store, { operation: 'b.run', status: 'pending' }, 10)).toEqual([[]])
  expect(await ids(store, { operation: 'a.run' }, 1)).toEqual([[waiting], [a]])
})

test('bounds of time exclude their own millisecond', async () => {
  const store = testStore()
  const taskId = await createTask(store)
  const { tasks } = await store.reader.list('default', {}, 1)
  const created = tasks[0]!.createdMs
  expect(await ids(store, { createdAfterMs: created }, 5)).toEqual([[]])
  expect(await ids(store, { createdAfterMs: created - 1 }, 5)).toEqual([[taskId]])
  expect(await ids(store, { createdBeforeMs: created }, 5)).toEqual([[]])
  expect(await ids(store, { createdBeforeMs: created + 1, createdAfterMs: created - 1 }, 5)).toEqual([
    [taskId],
  ])
})

test('large tasks that are asked for at once come in several calls, each no longer than it must be', async () => {
  const store = testStore()
  const body = JSON.stringify('x'.repeat(30_000))
  const large = await Promise.all(Array.from({ length: 9 }, () => createTask(store, { body })))
  const small = await createTask(store)
  const run = vi.spyOn(store.scripts, 'run')
  const asked = [...large, small, 'ffffffff-ffff-7fff-bfff-ffffffffff00']
  const outcomes = await Promise.all(asked.map((taskId) => store.reader.read('default', taskId)))
  expect(outcomes.map((found) => (found.outcome === 'task' ? found.task.taskId : null))).toEqual([
    ...large,
    small,
    null,
  ])
  expect(outcomes.filter((found) => found.outcome === 'task' && found.task.body === body)).toHaveLength(9)
  // Three take more than a call may answer.
  expect(run.mock.calls.map(([, , args]) => args.length / 4)).toEqual([10, 7, 4, 1])
})

test('a list does not carry bodies and results', async () => {
  const store = testStore()
  await ended(store)
  await createTask(store)
  for (const task of (await store.reader.list('default', {}, 5)).tasks) {
    expect(task).not.toHaveProperty('body')
    expect(task).not.toHaveProperty('result')
  }
})

test('a record is gone at its very expiry, swept or not, and its tombstone tells how it ended', async () => {
  const store = testStore({ retentionMs: 60 })
  const taskId = await ended(store)
  const gone = await until(async () => {
    const outcome = await store.reader.read('default', taskId)
    return outcome.outcome === 'gone' && outcome
  })
  expect(gone.tombstone).toEqual({
    status: 'completed',
    reason: null,
    finishedMs: expect.any(Number),
    resource: '/cars/7',
  })
  expect((await store.reader.list('default', {}, 5)).tasks).toEqual([])
  expect(await store.redis.keys(`${store.prefix}:*done:*`)).toHaveLength(1)
  expect(await store.control.delete('default', taskId)).toMatchObject({ outcome: 'gone' })
})

test('the sweep leaves a tombstone and takes the task out of every index; the tombstone dies in time', async () => {
  const store = testStore({ retentionMs: 1 })
  const taskId = await ended(store)
  // Expiry is swept by the minute: move the list to one that is over.
  const base = store.scripts.prefixOf(0)
  const [list] = await store.redis.keys(`${base}expire:*`)
  await store.redis.rename(list!, `${base}expire:1`)
  await store.redis.zadd(`${base}expiring`, 1, 1)
  expect(await store.upkeep.tick(0, [], terms({ tombstoneMs: 1_500 }))).toMatchObject({
    done: 1,
    more: false,
  })
  expect(await store.redis.keys(`${base}done:*`)).toEqual([])
  expect(await store.redis.keys(`${base}index:*`)).toEqual([])
  const gone = await store.reader.read('default', taskId)
  expect(gone).toMatchObject({ outcome: 'gone', tombstone: { status: 'completed', resource: '/cars/7' } })
  expect(await store.reader.read('another', taskId)).toEqual({ outcome: 'unknown' })
  await until(async () => (await store.reader.read('default', taskId)).outcome === 'unknown')
  await until(async () => (await store.redis.keys(`${base}tomb:*`)).length === 0)
})

test('where tombstones of an hour are many, the dead make room for new ones before the hour has died', async () => {
  const store = testStore()
  const taskId = await ended(store)
  const hex = taskId.replaceAll('-', '')
  const hour = Math.floor(Number.parseInt(hex.slice(0, 12), 16) / 3_600_000)
  const part = Number.parseInt(hex.slice(-3), 16) % 1024
  const key = `${store.scripts.prefixOf(0)}tomb:default:${hour}:${part}`
  const dead = Array.from({ length: 400 }, (_, n) => [`dead ${n}`, Buffer.alloc(11, 1)]).flat()
  await store.redis.hset(key, ...dead)
  expect(await store.control.delete('default', taskId)).toEqual({ outcome: 'deleted' })
  // Four were looked at, one of which may have been the new one.
  expect(await store.redis.hlen(key)).toBeLessThanOrEqual(401 - 3)
  expect(await store.reader.read('default', taskId)).toMatchObject({ outcome: 'gone' })
})

test('a sweep does a bounded part and says that there is more; two sweepers do nothing twice', async () => {
  const store = testStore({ retentionMs: 1 })
  for (let n = 0; n < 250; n += 1) await ended(store)
  const base = store.scripts.prefixOf(0)
  for (const list of await store.redis.keys(`${base}expire:*`)) {
    const due = list.slice(base.length + 7)
    await store.redis.rename(list, `${base}expire:${Number(due) - 10_000}`)
    await store.redis.zadd(`${base}expiring`, Number(due) - 10_000, Number(due) - 10_000)
  }
  const passes = await Promise.all(
    [1, 2, 3].map(() => store.upkeep.tick(0, [], terms({ tombstoneMs: 60_000 }))),
  )
  expect(passes[0]).toMatchObject({ done: 200, more: true })
  expect(passes.reduce((sum, { done }) => sum + done, 0)).toBe(250)
  expect(await store.redis.zcard(`${base}index:default`)).toBe(0)
})

test('only an ended task can be deleted, once, by its tenant; then its tombstone answers', async () => {
  const store = testStore()
  const open = await createTask(store, { lane: 'elsewhere' })
  expect(await store.control.delete('default', open)).toEqual({ outcome: 'open', status: 'pending' })
  const taskId = await ended(store)
  expect(await store.control.delete('another', taskId)).toEqual({ outcome: 'unknown' })
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => store.control.delete('default', taskId)),
  )
  expect(outcomes.filter(({ outcome }) => outcome === 'deleted')).toHaveLength(1)
  expect(outcomes.filter(({ outcome }) => outcome === 'gone')).toHaveLength(19)
  expect(await store.reader.read('default', taskId)).toMatchObject({ outcome: 'gone' })
  expect((await store.reader.list('default', {}, 5)).tasks.map((task) => task.taskId)).toEqual([open])
})

test('a record that holds is not carried again; any change, the end and another tenant are seen at once', async () => {
  const store = testStore()
  const read = async (taskId: string, tenant = 'default') => {
    const outcome = await store.reader.read(tenant, taskId)
    return outcome.outcome === 'task' ? outcome : undefined
  }
  const first = await createTask(store)
  const second = await createTask(store)
  const seen = await read(second)
  expect(seen?.position).toBe(1)
  const claim = await store.work.claim(0, 'test')
  const again = await read(second)
  expect(again?.task).toBe(seen?.task)
  expect(again?.position).toBe(0)
  expect(await read(second, 'another')).toBeUndefined()

  expect((await read(first))?.task.status).toBe('running')
  await store.work.progress(claim!, 40)
  expect((await read(first))?.task.progress).toBe(40)
  // As if Redis had lost what it wrote last and then had counted to the same version with something else.
  await store.redis.hset(`${store.scripts.prefixOf(0)}open:${first}`, 'progress', 30, 'updated', 1)
  expect((await read(first))?.task.progress).toBe(30)
  await store.work.end(claim!, COMPLETED)
  expect((await read(first))?.task.status).toBe('completed')
})
