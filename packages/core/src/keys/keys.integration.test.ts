import { once } from 'node:events'
import { startLocalRedis } from '@accepted/local-redis'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { connectForAnswers } from '../redis.ts'
import { StoreUnavailable } from '../store/outage.ts'
import { Scripts } from '../store/scripts.ts'
import { contentsOf, type TestStore, testStore } from '../testing/index.ts'
import { digestOfKey } from './api-key.ts'
import { ApiKeys } from './api-keys.ts'
import { KnownKeys } from './known-keys.ts'

const SPEC = { tenant: 'north', scopes: ['tasks:read', 'operation:car.build'] as const }
const DAY_MS = 24 * 3_600_000

/** Keys in a store of their own, and two processes that know them, on a clock of the test's. */
function known(store: TestStore) {
  let nowMs = 1_000
  const keys = new ApiKeys(store.scripts)
  const process = () => {
    const made = new KnownKeys({
      keys,
      now: () => store.scripts.clock.now(),
      log: store.log,
      monotonic: () => nowMs,
    })
    onTestFinished(() => made.close())
    return made
  }
  return { keys, one: process(), other: process(), pass: (ms: number) => (nowMs += ms) }
}

/** How often Redis is asked for something of keys from now on. */
function counted({ scripts }: TestStore): () => number {
  const asked = vi.spyOn(scripts, 'runOnSecrets')
  return () => asked.mock.calls.length
}

test('a key is kept by its digest, listed, and unknown once it is revoked', async () => {
  const store = testStore()
  const keys = new ApiKeys(store.scripts)
  const { key, ...made } = await keys.create(SPEC)
  const second = await keys.create({ ...SPEC, lifetimeMs: DAY_MS })
  expect(second.expiresMs! - second.createdMs).toBe(DAY_MS)
  expect(made).toMatchObject({ ...SPEC, usedMs: null, expiresMs: null, ...digestOfKey(key) })
  const listed = await keys.list()
  expect(listed.map(({ keyId }) => keyId).sort()).toEqual([made.keyId, second.keyId].sort())
  expect(listed).toContainEqual(made)
  expect(await keys.find([made.keyId, 'key_0000000000000000'])).toEqual([made, null])
  expect(await keys.revoke(made.keyId)).toBe(true)
  expect(await keys.revoke(made.keyId)).toBe(false)
  expect(await keys.find([made.keyId])).toEqual([null])
  expect((await keys.list()).map(({ keyId }) => keyId)).toEqual([second.keyId])
})

test('no part of a key beyond its prefix stands in Redis', async () => {
  const store = testStore()
  const { key, prefix } = await new ApiKeys(store.scripts).create(SPEC)
  const { redis, scripts } = store
  const names = await redis.keys(`${scripts.secretsPrefix}*`)
  const texts = await Promise.all(
    names.map(async (name) => {
      const type = await redis.type(name)
      const held = {
        hash: () => redis.hgetall(name),
        set: () => redis.smembers(name),
        string: () => redis.get(name),
      }
      return `${name} ${JSON.stringify(await held[type as keyof typeof held]())}`
    }),
  )
  const all = texts.join('\n')
  expect(all).toContain(prefix)
  expect(all).not.toContain(key.slice(prefix.length))
  expect((await contentsOf(store)).keys.filter((name) => name.includes('key'))).toEqual([])
})

test('one that expired long ago is gone by itself, from the list too', async () => {
  const store = testStore()
  const { scripts, redis } = store
  const keys = new ApiKeys(scripts)
  const { keyId } = await keys.create({ ...SPEC, lifetimeMs: DAY_MS })
  const ttl = await redis.pttl(`${scripts.secretsPrefix}api-key:${keyId}`)
  expect(Math.round(ttl / DAY_MS)).toBe(31)
  await redis.pexpire(`${scripts.secretsPrefix}api-key:${keyId}`, 0)
  expect(await keys.list()).toEqual([])
  expect(await redis.exists(`${scripts.secretsPrefix}api-keys`)).toBe(0)
})

test('a key in use is looked up once, and found revoked by every process within 2 s, though no message tells it', async () => {
  const store = testStore()
  const { keys, one, other, pass } = known(store)
  const { keyId } = await keys.create(SPEC)
  expect(one.peek(keyId)).toBeUndefined()
  const [found, again] = await Promise.all([one.find(keyId), one.find(keyId)])
  expect(found).toMatchObject({ tenant: 'north' })
  expect(again).toBe(found)
  await other.find(keyId)
  const calls = counted(store)
  for (let n = 0; n < 1_000; n += 1) expect(one.peek(keyId)).toBe(found)
  expect(calls()).toBe(0)
  // Checked each second, it stays known as long as it is used.
  for (let n = 0; n < 5; n += 1) {
    pass(1_000)
    await one.check()
    expect(one.peek(keyId)).toBe(found)
  }
  expect(one.holds(found!)).toBe(true)
  await keys.revoke(keyId)
  pass(1_000)
  await one.check()
  expect(one.peek(keyId)).toBeNull()
  expect(one.holds(found!)).toBe(false)
  // One that does not come to check asks again.
  pass(900)
  expect(other.peek(keyId)).toBeUndefined()
  expect(await other.find(keyId)).toBeNull()
})

test('that a key is unknown is remembered for as long, and of any number only so many are', async () => {
  const store = testStore()
  const { one, pass } = known(store)
  const idOf = (n: number) => `key_${String(n).padStart(16, '0')}`
  expect(await one.find(idOf(0))).toBeNull()
  expect(one.peek(idOf(0))).toBeNull()
  pass(1_900)
  expect(one.peek(idOf(0))).toBeUndefined()
  // A flood of them: few calls, and the first ones are forgotten.
  const calls = counted(store)
  await Promise.all(Array.from({ length: 10_100 }, (_, n) => one.find(idOf(n))))
  expect(calls()).toBe(Math.ceil(10_100 / 500))
  expect(one.peek(idOf(99))).toBeUndefined()
  expect(one.peek(idOf(100))).toBeNull()
  expect(one.peek(idOf(10_099))).toBeNull()
})

test('when a key was last used is noted once a minute, and not for one that only is checked', async () => {
  const store = testStore()
  const { keys, one, pass } = known(store)
  const { keyId } = await keys.create(SPEC)
  const used = async () => (await keys.list())[0]!.usedMs
  await one.find(keyId)
  await one.check()
  const first = await used()
  expect(first).not.toBeNull()
  const key = `${store.scripts.secretsPrefix}api-key:${keyId}`
  await store.redis.hset(key, 'used', '1')
  one.peek(keyId)
  pass(1_000)
  await one.check()
  expect(await used()).toBe(1)
  pass(30_000)
  one.peek(keyId)
  await one.find(keyId)
  pass(29_000)
  await one.check()
  expect(await used()).toBeGreaterThanOrEqual(first!)
  // Forgotten after a minute without use; nothing is asked then.
  await store.redis.hset(key, 'used', '1')
  pass(60_000)
  const calls = counted(store)
  await one.check()
  expect(calls()).toBe(0)
  expect(await used()).toBe(1)
})

test('what is known of keys outlasts an outage for those who are held, and lapses for those who ask', async () => {
  const store = testStore()
  const redis = connectForAnswers(inject('redisUrl'), store.log)
  await once(redis, 'ready')
  const { keys, one, pass } = known({ ...store, scripts: new Scripts(redis, store.prefix, null) })
  const { keyId } = await keys.create(SPEC)
  const found = (await one.find(keyId))!
  redis.disconnect()
  await expect(one.check()).rejects.toThrow()
  pass(2_000)
  expect(one.peek(keyId)).toBeUndefined()
  expect(one.holds(found)).toBe(true)
})

test('a Redis that refuses writes still tells which keys are good', async () => {
  const redis = await startLocalRedis()
  onTestFinished(() => redis.stop())
  const store = testStore({ url: redis.url })
  const { keys, one, other, pass } = known(store)
  const { keyId } = await keys.create(SPEC)
  await one.find(keyId)
  await store.redis.config('SET', 'min-replicas-to-write', '1')
  expect(await other.find(keyId)).toMatchObject(SPEC)
  for (let n = 0; n < 3; n += 1) {
    pass(1_000)
    await expect(one.check()).rejects.toBeInstanceOf(StoreUnavailable)
    expect(one.peek(keyId)).toMatchObject(SPEC)
  }
  await store.redis.config('SET', 'min-replicas-to-write', '0')
  await one.check()
  expect((await keys.list())[0]!.usedMs).not.toBeNull()
})

test('an expired key is found, so that its holder can be told, and holds no longer', async () => {
  const store = testStore()
  const { keys, one } = known(store)
  const { keyId } = await keys.create({ ...SPEC, lifetimeMs: 1 })
  const key = await one.find(keyId)
  while (!one.hasExpired(key!)) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(one.peek(keyId)).toBe(key)
  expect(one.holds(key!)).toBe(false)
})
