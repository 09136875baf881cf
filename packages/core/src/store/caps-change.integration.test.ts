import { describe, expect, test } from 'vitest'
import { COMPLETED, claimTask, createTask, type TestStore, testStore } from '../testing/index.ts'
import { baseOf, cap, claimAll, claimAtOnce, fill, tick } from '../testing/lane-scene.ts'
import type { Claim } from './work.ts'

describe('a cap that changes while tasks run and wait', () => {
  test('lets more run within a tick when it is raised or taken away, and asks for as many jobs', async () => {
    for (const change of [
      (store: TestStore) => cap(store, 'default', 4),
      (store: TestStore) => store.redis.del(`${baseOf(store)}limits`),
    ]) {
      const store = testStore()
      await cap(store, 'default', 1)
      await fill(store, 'default', 10)
      await claimTask(store)
      expect(await store.work.claim(0, 'test')).toBeNull()
      await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(10)
      await change(store)
      expect(await store.work.claim(0, 'test')).toBeNull()
      await tick(store)
      const { claimable } = await store.upkeep.laneState(0, 'test')
      await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(10 + claimable)
      expect(await claimAll(store)).toHaveLength(claimable)
      expect([3, 9]).toContain(claimable)
    }
  })

  test('raised while its tenant’s turn has not come again, it gets its jobs by the look for missing ones', async () => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { test: 3 }, 60_000, 10)
    await cap(store, 'default', 1)
    await fill(store, 'default', 10)
    await claimTask(store)
    await store.redis.del(`${baseOf(store)}bull:test:wait`)
    await cap(store, 'default', 9)
    await tick(store)
    await store.upkeep.topUp(0, 'test')
    expect(await store.upkeep.topUp(0, 'test')).toMatchObject({ added: 2 })
  })

  test('raised behind hundreds of tenants that are at theirs, it gets its jobs so, too', async () => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { test: 1_000 }, 60_000, 10, 1)
    const names = Array.from({ length: 250 }, (_, n) => `t${n}`)
    for (let n = 0; n < 2; n += 1) await Promise.all(names.map((tenant) => createTask(store, { tenant })))
    await claimAtOnce(store, 250)
    await store.redis.del(`${baseOf(store)}bull:test:wait`)
    const [last] = await store.redis.zrange(`${baseOf(store)}turns:test`, '-1', '-1')
    await cap(store, last!, 2)
    await store.upkeep.topUp(0, 'test')
    expect(await store.upkeep.topUp(0, 'test')).toMatchObject({ added: 1 })
  })

  test('of the workers lets more run within a tick when it is raised, too', async () => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { test: 100 }, 60_000, 10, 1)
    await fill(store, 'default', 5)
    expect(await claimAll(store)).toHaveLength(1)
    await store.upkeep.heartbeat(0, 'w', { test: 100 }, 60_000, 10, 0)
    await tick(store)
    expect(await claimAll(store)).toHaveLength(4)
  })

  test('lets nothing more begin when it is lowered, until less than that runs', async () => {
    const store = testStore()
    await fill(store, 'default', 10)
    const claims = await claimAll(store, 4)
    await cap(store, 'default', 2)
    expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ claimable: 0, waiting: 6 })
    expect(await claimAll(store)).toEqual([])
    for (const claim of claims.splice(0, 2)) {
      await store.work.end(claim, COMPLETED)
      expect(await claimAll(store)).toEqual([])
    }
    await store.work.end(claims.pop()!, COMPLETED)
    expect(await claimAll(store)).toHaveLength(1)
  })

  test('of hundreds of tenants at once: a claim passes over those at their caps, and all come back', async () => {
    const store = testStore()
    const names = Array.from({ length: 450 }, (_, n) => `t${n}`)
    for (const count of [1, 2])
      await Promise.all(names.map((tenant) => createTask(store, { tenant, priority: count })))
    await claimAtOnce(store, 450)
    await store.upkeep.heartbeat(0, 'w', { test: 1_000 }, 60_000, 10, 1)
    await fill(store, 'zz', 1)
    let calls = 0
    let claim: Claim | null = null
    while (!claim) {
      claim = await store.work.claim(0, 'test')
      calls += 1
    }
    expect([claim.task.tenant, calls]).toEqual(['zz', 3])
    await store.upkeep.heartbeat(0, 'w', { test: 1_000 }, 60_000, 10, 0)
    // Fifty a tick.
    for (let n = 0; n < 9; n += 1) await tick(store)
    await claimAtOnce(store, 450)
    expect(await store.work.claim(0, 'test')).toBeNull()
  })
})
