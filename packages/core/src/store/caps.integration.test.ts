import { describe, expect, test } from 'vitest'
import {
  COMPLETED,
  claimTask,
  createTask,
  passTime,
  scriptsWithoutCaps,
  testStore,
} from '../testing/index.ts'
import { baseOf, cap, claimAll, claimAtOnce, fill, tick } from '../testing/lane-scene.ts'
import type { Claim } from './work.ts'

const tenants = (claims: Claim[]) => claims.map(({ task }) => task.tenant)

describe('a tenant with a running cap', () => {
  test('runs as many tasks at once, while others have all other slots', async () => {
    const store = testStore()
    await cap(store, 'capped', 2)
    await fill(store, 'capped', 20)
    await fill(store, 'other', 5)
    const claims = await claimAll(store)
    expect(tenants(claims).filter((tenant) => tenant === 'capped')).toHaveLength(2)
    expect(claims).toHaveLength(7)
    for (let n = 0; n < 18; n += 1) {
      const at = claims.findIndex(({ task }) => task.tenant === 'capped')
      await store.work.end(claims.splice(at, 1)[0]!, COMPLETED)
      const [next, ...more] = await claimAll(store)
      expect([next!.task.tenant, more]).toEqual(['capped', []])
      claims.push(next!)
    }
    expect(await claimAll(store)).toEqual([])
  })

  test('has one for each lane', async () => {
    const store = testStore()
    await cap(store, 'default', 1)
    for (const lane of ['test', 'test', 'slow', 'slow']) await createTask(store, { lane })
    for (const lane of ['test', 'slow']) {
      expect(await store.work.claim(0, lane)).not.toBeNull()
      expect(await store.work.claim(0, lane)).toBeNull()
    }
  })

  test('has that which the workers say, unless its own is set; 0: as many as there are slots', async () => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { test: 100 }, 60_000, 10, 2)
    await cap(store, 'b', 3)
    await cap(store, 'c', 0)
    for (const none of ['-1', 'nan', '', 'x']) await cap(store, `none${none}`, none)
    const all = ['a', 'b', 'c', 'none-1', 'nonenan', 'none', 'nonex']
    for (const tenant of all) await fill(store, tenant, 6)
    const claims = tenants(await claimAll(store))
    const running = all.map((tenant) => claims.filter((name) => name === tenant).length)
    expect(running).toEqual([2, 3, 6, 2, 2, 2, 2])
  })

  test('is known by its whole name', async () => {
    const store = testStore()
    await cap(store, 'a.b', 1)
    for (const tenant of ['a', 'a.b', 'a.b.c']) await fill(store, tenant, 2)
    expect(tenants(await claimAll(store)).sort()).toEqual(['a', 'a', 'a.b', 'a.b.c', 'a.b.c'])
  })

  test('counts what is undone, and not what runs among the suspects', async () => {
    const store = testStore()
    await cap(store, 'default', 1)
    await fill(store, 'default', 2)
    const claim = await claimTask(store)
    await store.work.step(claim, 'one', 'undoable', '1')
    await store.control.cancel('default', claim.task.taskId)
    const settled = await store.work.end(claim, COMPLETED)
    expect(settled.outcome).toBe('undo')
    expect(await store.work.claim(0, 'test')).toBeNull()
    if (settled.outcome !== 'undo') return
    await store.work.step(settled.claim, 'one', 'reverted')
    await store.work.end(settled.claim, COMPLETED)
    expect(await store.work.claim(0, 'test')).not.toBeNull()
  })
})

describe('a tenant at its cap', () => {
  test('asks for no job for what that keeps out, nor when it has room again: whoever ends one takes the next', async () => {
    const store = testStore()
    await cap(store, 'default', 2)
    await fill(store, 'default', 10)
    await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(10)
    const claims = await claimAll(store)
    expect(claims).toHaveLength(2)
    await createTask(store)
    for (const claim of claims) {
      await store.work.end(claim, COMPLETED)
      expect(await claimAll(store, 1)).toHaveLength(1)
    }
    await createTask(store, { lane: 'other' })
    await expect.poll(() => store.jobs.waiting(0, 'other')).toBe(1)
    expect(await store.jobs.waiting(0, 'test')).toBe(10)
  })

  test('does not make its lane look as if there were jobs enough for others', async () => {
    const store = testStore()
    await cap(store, 'capped', 1)
    await fill(store, 'capped', 200)
    // As many as are enough for whoever comes, too.
    await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(100)
    const [claim] = await claimAll(store)
    // Its next task begins: none is held.
    await store.work.end(claim!, COMPLETED)
    await claimTask(store)
    expect(await store.redis.exists(`${baseOf(store)}held:test`)).toBe(0)
    await store.redis.del(`${baseOf(store)}bull:test:wait`)
    await fill(store, 'capped', 5)
    await fill(store, 'other', 3)
    await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(3)
  })

  test('costs its lane no more jobs than are plenty, however many others come while it is never empty', async () => {
    const store = testStore()
    await cap(store, 'capped', 1)
    await fill(store, 'capped', 2)
    expect(await claimAll(store)).toHaveLength(1)
    await store.redis.del(`${baseOf(store)}bull:test:wait`)
    await fill(store, 'other', 300)
    await createTask(store, { lane: 'other' })
    await expect.poll(() => store.jobs.waiting(0, 'other')).toBe(1)
    expect(await store.jobs.waiting(0, 'test')).toBe(100)
    // One of them finds nothing, and others are wanted again.
    expect(await claimAll(store, 300)).toHaveLength(300)
    expect(await store.work.claim(0, 'test')).toBeNull()
    await fill(store, 'other', 3)
    await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(103)
  })

  test('is forgotten by its lane once that was empty', async () => {
    const store = testStore()
    await cap(store, 'capped', 1)
    await fill(store, 'capped', 2)
    const claims = await claimAll(store)
    const spent = () => store.redis.hexists(`${baseOf(store)}lane:test`, 'spent')
    expect(await spent()).toBe(1)
    await store.work.end(claims[0]!, COMPLETED)
    await claimTask(store)
    await fill(store, 'other', 1)
    expect(await spent()).toBe(0)
  })

  test('or below it, whose worker is lost, asks for a job: that of the worker may be lost, too', async () => {
    const store = testStore()
    await cap(store, 'default', 2)
    await fill(store, 'default', 10)
    await expect.poll(() => store.jobs.waiting(0, 'test')).toBe(10)
    await claimTask(store)
    await store.redis.del(`${baseOf(store)}bull:test:wait`)
    await passTime(store, 10_000, { watched: true })
    await tick(store)
    await expect.poll(() => store.jobs.waiting(0, 'test')).toBeGreaterThan(0)
    await claimAtOnce(store, 2)
  })

  test('is nothing that could start: no jobs are made good for it', async () => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { test: 10 }, 60_000, 10, 1)
    await fill(store, 'default', 5)
    await claimTask(store)
    await store.redis.del(`${baseOf(store)}bull:test:wait`)
    for (let n = 0; n < 3; n += 1) {
      expect(await store.upkeep.topUp(0, 'test')).toEqual({ added: 0, stoodStill: false })
    }
  })

  test('whose waiting tasks are canceled leaves no trace of them', async () => {
    const store = testStore()
    await cap(store, 'default', 1)
    const [running, ...waiting] = await fill(store, 'default', 3)
    const claim = await claimTask(store)
    expect(claim.task.taskId).toBe(running)
    expect(await store.work.claim(0, 'test')).toBeNull()
    const held = `${baseOf(store)}held:test`
    expect(await store.redis.zrange(held, '0', '-1')).toEqual(['default'])
    for (const taskId of waiting) await store.control.cancel('default', taskId)
    expect(await store.redis.exists(held)).toBe(0)
    await store.work.end(claim, COMPLETED)
    expect(await store.redis.exists(held, `${baseOf(store)}turns:test`)).toBe(0)
  })

  test('is told a place behind what others may start in the slots that it cannot have', async () => {
    const store = testStore()
    await store.upkeep.heartbeat(0, 'w', { test: 10 }, 60_000, 10)
    await cap(store, 'capped', 2)
    const [, , third] = await fill(store, 'capped', 3)
    const other = await fill(store, 'other', 50)
    const position = async (tenant: string, taskId: string) =>
      ((await store.reader.read(tenant, taskId)) as { position: number }).position
    // Five slots begin others for each one that it has.
    expect(await position('capped', third!)).toBe(10)
    expect(await position('other', other[20]!)).toBe(40)
    await store.redis.hset(`${baseOf(store)}limits`, { 'other weight': 4 })
    expect(await position('other', other[20]!)).toBe(25)
  })
})

describe('beside programs of the release that knows none of caps', () => {
  function twoReleases() {
    const newer = testStore()
    return { newer, older: testStore({ prefix: newer.prefix, sources: scriptsWithoutCaps() }) }
  }

  test('a tenant whose last running task they ended has its turns again within a tick', async () => {
    const { newer, older } = twoReleases()
    await cap(newer, 'default', 1)
    await fill(newer, 'default', 3)
    const [claim] = await claimAll(newer)
    await older.work.end(claim!, COMPLETED)
    expect(await older.work.claim(0, 'test')).toBeNull()
    expect(await newer.work.claim(0, 'test')).toBeNull()
    await tick(older)
    expect(await newer.work.claim(0, 'test')).toBeNull()
    await tick(newer)
    expect(await newer.work.claim(0, 'test')).not.toBeNull()
  })

  test('what they put among the turns and may not run is passed over', async () => {
    const { newer, older } = twoReleases()
    await cap(newer, 'capped', 1)
    await fill(older, 'capped', 1)
    await claimTask(newer)
    await fill(older, 'capped', 3)
    await fill(older, 'other', 2)
    expect(tenants(await claimAll(newer))).toEqual(['other', 'other'])
    expect(tenants(await claimAll(older))).toEqual([])
  })

  test('what a worker that stops leaves held goes on with those that are left', async () => {
    const { newer, older } = twoReleases()
    await newer.upkeep.heartbeat(0, 'w', { test: 5 }, 60_000, 10, 1)
    for (const tenant of ['a', 'b']) await fill(newer, tenant, 3)
    expect(await claimAll(newer)).toHaveLength(2)
    expect(await older.work.claim(0, 'test')).toBeNull()
    await newer.upkeep.heartbeat(0, 'w', { test: 0 }, 60_000, 10, 1)
    expect(await claimAll(newer)).toEqual([])
    await newer.upkeep.heartbeat(0, 'w', { test: 0 }, 60_000, 10, 1)
    expect(await claimAll(older)).toHaveLength(4)
  })
})
