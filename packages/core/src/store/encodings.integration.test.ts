import { expect, test } from 'vitest'
import { TenantLimits } from '../limits/tenant-limits.ts'
import { testStore } from '../testing/index.ts'
import { baseOf, fill } from '../testing/lane-scene.ts'

test('what many tenants have is no list that is gone through, also after Redis has read it from disk', async () => {
  const store = testStore()
  const encodings = () =>
    Promise.all(
      ['turns:test', 'stored', 'limits'].map((key) =>
        store.redis.object('ENCODING', `${baseOf(store)}${key}`),
      ),
    )
  const TREE_AND_TABLES = ['skiplist', 'hashtable', 'hashtable']
  await new TenantLimits(store.scripts).set('a', { running: 1 })
  await fill(store, 'a', 1)
  expect((await encodings())[0]).toBe('skiplist')
  const heartbeat = () => store.upkeep.heartbeat(0, 'w', { test: 1 }, 60_000, 10, 0)
  await heartbeat()
  expect(await encodings()).toEqual(TREE_AND_TABLES)
  for (const key of ['turns:test', 'stored', 'limits']) {
    const place = `${baseOf(store)}${key}`
    const dumped = await store.redis.dumpBuffer(place)
    await store.redis.restore(place, 0, dumped!, 'REPLACE')
  }
  expect(await encodings()).toEqual(['listpack', 'listpack', 'listpack'])
  await heartbeat()
  expect(await encodings()).toEqual(TREE_AND_TABLES)
})
