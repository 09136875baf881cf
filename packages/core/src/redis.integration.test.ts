import { once } from 'node:events'
import { startLocalRedis } from '@accepted/local-redis'
import { expect, onTestFinished, test } from 'vitest'
import { createLog, type Logger } from './log/log.ts'
import { connectForWork, warnOfEviction } from './redis.ts'

test('a Redis that may evict is told of, each time that it is there; one that may not is not', async () => {
  const own = await startLocalRedis()
  onTestFinished(() => own.stop())
  const told: unknown[] = []
  const silent = createLog('test', 'silent')
  const log = { debug: () => undefined, error: (fields: unknown) => told.push(fields) } as unknown as Logger
  const connect = () => {
    const redis = connectForWork(own.url, silent)
    onTestFinished(() => redis.disconnect())
    warnOfEviction(redis, log)
    return redis
  }
  const redis = connect()
  await once(redis, 'ready')
  // Answered after what was asked when the connection was there.
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  expect(told).toEqual([])
  connect()
  await expect.poll(() => told).toEqual([{ policy: 'allkeys-lru' }])
})
