import { expect, test } from 'vitest'
import { createTask, testStore } from '../testing/index.ts'
import { TenantLimits } from './tenant-limits.ts'

test('limits are set one by one, stand in every shard, and are the default again when they are cleared', async () => {
  const { scripts, redis } = testStore({ shards: 3 })
  const limits = new TenantLimits(scripts)
  await limits.set('north', { requests: 500, stored: 100_000_000 })
  await limits.set('north', { requests: 0, weight: 2 })
  await limits.set('a.b', { running: 1 })
  expect([...(await limits.list())]).toEqual([
    ['a.b', { running: 1 }],
    ['north', { requests: 0, stored: 100_000_000, weight: 2 }],
  ])
  for (const shard of [0, 1, 2]) {
    expect(await redis.hgetall(`${scripts.prefixOf(shard)}limits`)).toEqual({
      'a.b running': '1',
      'north requests': '0',
      'north stored': '100000000',
      'north weight': '2',
    })
  }
  expect(await limits.read('requests', ['a.b', 'north', 'unknown'])).toEqual([null, 0, null])
  await limits.set('north', { requests: null, stored: null, weight: null, waiting: null })
  expect([...(await limits.list()).keys()]).toEqual(['a.b'])
})

test('whether the tenant has ever had a task is told, whichever shard that is in', async () => {
  const store = testStore({ shards: 2 })
  const limits = new TenantLimits(store.scripts)
  for (const tenant of ['north', 'south', 'east']) await createTask(store, { tenant })
  for (const tenant of ['north', 'south', 'east']) {
    expect(await limits.set(tenant, { weight: 2 })).toEqual({ hadTasks: true })
  }
  expect(await limits.set('noth', { weight: 2 })).toEqual({ hadTasks: false })
})

test('a number that a limit cannot be is refused before anything is written', async () => {
  const limits = new TenantLimits(testStore().scripts)
  for (const changes of [{ weight: 0 }, { weight: 1.5 }, { requests: -1 }, { stored: 2 ** 53 }]) {
    await expect(limits.set('north', { waiting: 1, ...changes })).rejects.toThrow(RangeError)
  }
  expect([...(await limits.list())]).toEqual([])
})
