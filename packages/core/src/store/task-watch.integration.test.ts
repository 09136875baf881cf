import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { connectForWatching } from '../redis.ts'
import { createTask, testStore, until } from '../testing/index.ts'
import { StoreUnavailable } from './outage.ts'
import type { ReadOutcome } from './reader.ts'
import { TaskWatch } from './task-watch.ts'
import type { Claim } from './work.ts'

/** A store, its watch, and a task that runs. */
async function watchedTask() {
  const store = testStore()
  const subscriber = connectForWatching(inject('redisUrl'), store.log)
  onTestFinished(() => subscriber.disconnect())
  const watch = new TaskWatch(subscriber, store.scripts, store.reader, store.log)
  const taskId = await createTask(store)
  const claim = (await store.work.claim(0, 'test')) as Claim
  const leave = new AbortController()
  onTestFinished(() => leave.abort())
  return {
    ...store,
    subscriber,
    watch,
    taskId,
    claim,
    leave,
    follow: () => watch.follow('default', taskId, leave.signal),
    /** How many connections subscribe to the task. */
    subscriptions: async () => {
      const [, count] = (await store.redis.pubsub(
        'NUMSUB',
        `${store.scripts.prefixOf(0)}task:${taskId}`,
      )) as [string, number]
      return count
    },
  }
}

async function version(told: Promise<IteratorResult<ReadOutcome, void>>): Promise<number | string> {
  const { value } = await told
  if (!value) return 'over'
  return value.outcome === 'task' ? value.task.version : value.outcome
}

async function disconnect(redis: Redis): Promise<void> {
  redis.disconnect()
  await once(redis, 'end')
}

test('a task is read once its subscription holds, then after every change', async () => {
  const { follow, work, claim } = await watchedTask()
  const changes = follow()
  expect(await version(changes.next())).toBe(2)
  const next = changes.next()
  await work.progress(claim, 10)
  expect(await version(next)).toBe(3)
  // Before the next is asked for.
  await work.progress(claim, 20)
  expect(await version(changes.next())).toBe(4)
})

test('fifty watchers of a task share one subscription, and one read a change', async () => {
  const { follow, work, claim, reader, subscriptions } = await watchedTask()
  const watchers = Array.from({ length: 50 }, follow)
  expect(await Promise.all(watchers.map((changes) => version(changes.next())))).toEqual(Array(50).fill(2))
  expect(await subscriptions()).toBe(1)
  const read = vi.spyOn(reader, 'read')
  const told = watchers.map((changes) => version(changes.next()))
  await work.progress(claim, 10)
  expect(await Promise.all(told)).toEqual(Array(50).fill(3))
  expect(read).toHaveBeenCalledTimes(1)
})

test('a thousand watchers of a task share one read, and are told by and by, so that others are served between', async () => {
  const { follow, work, claim, reader } = await watchedTask()
  const watchers = Array.from({ length: 1_000 }, follow)
  await Promise.all(watchers.map((changes) => changes.next()))
  const read = vi.spyOn(reader, 'read')
  let turn = 0
  let counting: NodeJS.Immediate
  const count = () => {
    turn += 1
    counting = setImmediate(count)
  }
  count()
  onTestFinished(() => clearImmediate(counting))
  const toldIn = new Map<number, number>()
  const told = watchers.map(async (changes) => {
    expect(await version(changes.next())).toBe(3)
    toldIn.set(turn, 1 + (toldIn.get(turn) ?? 0))
  })
  await work.progress(claim, 10)
  await Promise.all(told)
  expect(read).toHaveBeenCalledTimes(1)
  // Fifty a turn; the first fifty and the next may fall between two of ours.
  expect(Math.max(...toldIn.values())).toBeLessThanOrEqual(100)
})

test('who comes later is told at once how the task is', async () => {
  const { follow, work, claim } = await watchedTask()
  const first = follow()
  await first.next()
  await work.progress(claim, 10)
  expect(await version(follow().next())).toBe(3)
  expect(await version(first.next())).toBe(3)
})

test('when the last watcher goes, the subscription goes', async () => {
  const { follow, leave, subscriptions } = await watchedTask()
  const [one, other] = [follow(), follow()]
  await Promise.all([one.next(), other.next()])
  await one.return()
  expect(await subscriptions()).toBe(1)
  const waiting = other.next()
  leave.abort()
  expect(await version(waiting)).toBe('over')
  await until(async () => (await subscriptions()) === 0)
  expect(await version(follow().next())).toBe('over')
})

test('who leaves and comes again at once is subscribed', async () => {
  const { follow, work, claim } = await watchedTask()
  for (let round = 0; round < 20; round += 1) {
    const changes = follow()
    await changes.next()
    await changes.return()
  }
  const changes = follow()
  await changes.next()
  const next = changes.next()
  await work.progress(claim, 10)
  expect(await version(next)).toBe(3)
})

test('what changes while a watcher is busy is told as one, and the last is not lost', async () => {
  const { follow, work, claim, reader } = await watchedTask()
  const changes = follow()
  await changes.next()
  const read = vi.spyOn(reader, 'read')
  for (let percent = 1; percent <= 30; percent += 1) await work.progress(claim, percent)
  const versions: (number | string)[] = []
  while (versions.at(-1) !== 32) versions.push(await version(changes.next()))
  expect(read.mock.calls.length).toBeLessThan(5)
})

test('what changed while the connection was away is told when it is back', async () => {
  const { follow, work, claim, subscriber } = await watchedTask()
  const changes = follow()
  await changes.next()
  const next = changes.next()
  await disconnect(subscriber)
  await work.progress(claim, 10)
  await subscriber.connect()
  expect(await version(next)).toBe(3)
  const after = changes.next()
  await work.progress(claim, 20)
  expect(await version(after)).toBe(4)
})

test('a watch that begins while the connection is away holds once it is back', async () => {
  const { follow, work, claim, subscriber, subscriptions } = await watchedTask()
  await disconnect(subscriber)
  const changes = follow()
  const first = changes.next()
  await subscriber.connect()
  expect(await version(first)).toBe(2)
  const next = changes.next()
  await work.progress(claim, 10)
  expect(await version(next)).toBe(3)
  expect(await subscriptions()).toBe(1)
})

test('a read that Redis does not answer is tried again; a fault of ours comes through', async () => {
  const { follow, reader } = await watchedTask()
  const read = vi.spyOn(reader, 'read').mockRejectedValueOnce(new StoreUnavailable('away'))
  expect(await version(follow().next())).toBe(2)
  expect(read).toHaveBeenCalledTimes(2)
  read.mockRejectedValueOnce(new TypeError('ours'))
  await expect(follow().next()).rejects.toThrow('ours')
})

test('a change of a task that is not the tenant’s tells nothing of it', async () => {
  const { watch, taskId, leave } = await watchedTask()
  expect(await version(watch.follow('other', taskId, leave.signal).next())).toBe('unknown')
})
