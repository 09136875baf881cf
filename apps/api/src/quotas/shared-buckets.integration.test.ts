import { once } from 'node:events'
import { connectForAnswers, createLog, StoreUnavailable } from '@accepted/core'
import { freshPrefix } from '@accepted/core/testing'
import { startLocalRedis } from '@accepted/local-redis'
import { expect, onTestFinished, test } from 'vitest'
import { SharedBuckets } from './shared-buckets.ts'

const TEN = { tokens: 10, fillSeconds: 5 }

/** A Redis of the test's own, and buckets of two processes of either kind. */
async function scene() {
  const own = await startLocalRedis()
  const redis = connectForAnswers(own.url, createLog('test', 'silent'))
  onTestFinished(async () => {
    redis.disconnect()
    await own.stop()
  })
  await once(redis, 'ready')
  const prefix = freshPrefix()
  const open = new SharedBuckets({ redis, prefix, withoutRedis: 'open' })
  const closed = new SharedBuckets({ redis, prefix, withoutRedis: 'closed' })
  return { own, redis, prefix, open, closed }
}

test('a bucket gives what it has, fills by time, and is kept no longer than it takes to fill', async () => {
  const { redis, prefix, open } = await scene()
  expect(await open.take('a', TEN, 4)).toEqual({ taken: 4, left: 6, fullInMs: 2_000, tokenInMs: 0 })
  const rest = await open.take('a', TEN, 9)
  expect(rest).toMatchObject({ taken: 6, left: 0, fullInMs: 5_000 })
  expect(rest.tokenInMs).toBeGreaterThan(0)
  expect(rest.tokenInMs).toBeLessThanOrEqual(500)
  // It is known to be empty without a look.
  const asked = Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))![1])
  for (let n = 0; n < 10; n++) expect(await open.take('a', TEN, 1)).toMatchObject({ taken: 0, left: 0 })
  expect(Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))![1])).toBe(asked + 1)
  expect(await redis.pttl(`${prefix}:a`)).toBeLessThanOrEqual(5_000)
  expect(await open.take('b', TEN, 1)).toMatchObject({ taken: 1, left: 9 })
})

test('what is charged is taken whether it is there or not; what is owed goes before, a minute at most', async () => {
  const { redis, prefix, open, closed } = await scene()
  expect(await open.take('a', TEN, 1)).toMatchObject({ left: 9 })
  expect(await open.charge('a', TEN, 4)).toMatchObject({ left: 5, tokenInMs: 0 })
  const owing = await open.charge('a', TEN, 15)
  expect(owing.left).toBe(0)
  // Ten are missing for it to be empty and no more, and one until there is a token.
  expect(owing.tokenInMs).toBeGreaterThan(5_000)
  expect(owing.tokenInMs).toBeLessThanOrEqual(5_500)
  expect(owing.fullInMs).toBeGreaterThan(9_500)
  expect(owing.fullInMs).toBeLessThanOrEqual(10_000)
  for (const process of [open, closed]) {
    const refused = await process.take('a', TEN, 1)
    expect(refused.taken).toBe(0)
    expect(refused.tokenInMs).toBeGreaterThan(4_500)
  }
  const most = await open.charge('a', TEN, 1_000)
  expect(most.tokenInMs).toBeGreaterThan(59_000)
  expect(most.tokenInMs).toBeLessThanOrEqual(60_500)
  expect((await open.charge('a', TEN, 1)).tokenInMs).toBeLessThanOrEqual(60_500)
  expect(await redis.pttl(`${prefix}:a`)).toBeLessThanOrEqual(65_000)
})

test('a clock of Redis that was set back keeps nobody out for longer than the longest debt does', async () => {
  const { redis, prefix, open } = await scene()
  await redis.set(`${prefix}:a`, 9e15)
  const draw = await open.take('a', TEN, 1)
  expect(draw.taken).toBe(0)
  expect(draw.tokenInMs).toBeLessThanOrEqual(60_500)
})

test('without Redis each process counts for itself, or nobody is let in; a Redis that stands still is waited for shortly', async () => {
  const { own, open, closed } = await scene()
  await open.take('a', TEN, 10)
  process.kill(own.pid, 'SIGSTOP')
  const began = performance.now()
  expect(await open.take('b', TEN, 7)).toMatchObject({ taken: 7, left: 3 })
  expect(await open.take('b', TEN, 7)).toMatchObject({ taken: 3, left: 0 })
  await expect(closed.take('b', TEN, 1)).rejects.toThrow(StoreUnavailable)
  expect(performance.now() - began).toBeLessThan(3_000)
  process.kill(own.pid, 'SIGCONT')
  await own.stop()
  expect(await open.take('c', TEN, 3)).toMatchObject({ taken: 3, left: 7 })
  await expect(closed.take('c', TEN, 1)).rejects.toThrow(StoreUnavailable)
  expect(await open.charge('c', TEN, 9)).toMatchObject({ left: 0 })
  expect((await open.take('c', TEN, 1)).fullInMs).toBeLessThanOrEqual(5_000)
  expect(await open.take('c', TEN, 1)).toMatchObject({ taken: 0 })
  await expect(closed.charge('c', TEN, 1)).rejects.toThrow(StoreUnavailable)
})

test('a Redis without memory left goes on to count', async () => {
  const { redis, closed } = await scene()
  await redis.config('SET', 'maxmemory', '1')
  expect(await closed.take('a', TEN, 1)).toMatchObject({ taken: 1, left: 9 })
})
