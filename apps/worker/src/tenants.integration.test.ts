import { setTimeout as pause } from 'node:timers/promises'
import { defineOperation } from '@accepted/contract'
import { connectForWork, readSettings, WorkerSettings } from '@accepted/core'
import { createTask, submission, type TestStore, testStore, until } from '@accepted/core/testing'
import { handle } from '@accepted/operations'
import { Type } from 'typebox'
import { expect, inject, onTestFinished, test } from 'vitest'
import { startWorker } from './worker.ts'

const contract = defineOperation({
  name: 'test.run',
  route: 'POST /tests',
  summary: 'A test',
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Null(),
  lane: 'test',
})

/** Starts a worker, and waits until its lanes know of it. It stops when the test is over. */
async function start(store: TestStore, own: Record<string, string>, run: (n: number) => Promise<void>) {
  const environment = { REDIS_URL: inject('redisUrl'), KEY_PREFIX: store.prefix, ...own }
  const [redis, subscriber] = [0, 1].map(() => connectForWork(environment.REDIS_URL, store.log))
  const operation = handle(contract, async ({ input }) => {
    await run(input.n)
    return null
  })
  const worker = startWorker({
    settings: readSettings(WorkerSettings, environment),
    operations: new Map([[contract.name, operation]]),
    redis: redis!,
    subscriber: subscriber!,
    sealer: undefined,
    version: '0',
    environment,
    log: store.log,
  })
  onTestFinished(async () => {
    await worker.stop()
    redis!.disconnect()
    subscriber!.disconnect()
  })
  await worker.ready
  await until(() => store.redis.hexists(`${store.scripts.prefixOf(0)}lane:test`, 'cap'))
}

/** Tasks of a tenant, whose handler is told `n`. */
function fill(store: TestStore, tenant: string, n: number, count: number): Promise<string[]> {
  const { head } = submission()
  const task = { tenant, body: JSON.stringify({ n }), head: { ...head, steps: [] } }
  return Promise.all(Array.from({ length: count }, () => createTask(store, task)))
}

test('a worker begins a newcomer’s first task after one more of a flood at most', async () => {
  const store = testStore()
  const order: number[] = []
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  await start(store, { WORKER_CONCURRENCY: '1' }, async (n) => {
    order.push(n)
    await gate
  })
  await fill(store, 'flood', 1, 60)
  await until(async () => order.length === 1)
  await fill(store, 'small', 2, 2)
  open()
  await until(async () => order.length === 62)
  const first = order.indexOf(2)
  expect(first).toBeLessThanOrEqual(2)
  expect(order.indexOf(2, first + 1)).toBeLessThanOrEqual(first + 2)
})

test('two workers together keep to each tenant’s running cap, and work off all that it has', async () => {
  const store = testStore()
  const [now, most, ended] = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const run = async (n: number) => {
    now[n]! += 1
    most[n] = Math.max(most[n]!, now[n]!)
    await gate
    await pause(2)
    now[n]! -= 1
    ended[n]! += 1
  }
  const settings = { WORKER_CONCURRENCY: '5', TENANT_RUNNING: '2' }
  await Promise.all([start(store, settings, run), start(store, settings, run)])
  await store.redis.hset(`${store.scripts.prefixOf(0)}limits`, { 'wide running': 4 })
  await Promise.all(['usual', 'wide', 'other'].map((tenant, n) => fill(store, tenant, n, 30)))
  await until(async () => now.join() === '2,4,2')
  open()
  await until(async () => ended.join() === '30,30,30')
  expect(most).toEqual([2, 4, 2])
})
