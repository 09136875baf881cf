import { startRedisProxy } from '@accepted/local-redis'
import { inject, onTestFinished } from 'vitest'
import { connectForAnswers, LostCreates, Scripts, Submissions, TaskReader } from '../index.ts'
import type { TestStore } from './store.ts'
import { until } from './until.ts'

/** A process that answers its own callers, over a line that can be cut, beside a store whose line is well. It knows Redis's clock. */
export async function distantProcess(store: TestStore) {
  const line = await startRedisProxy(inject('redisUrl'))
  const redis = connectForAnswers(line.url, store.log)
  const scripts = new Scripts(redis, store.prefix, store.jobs)
  const lost = new LostCreates(scripts, new TaskReader(scripts), 60_000, store.log)
  onTestFinished(async () => {
    await line.set('open')
    await lost.close()
    redis.disconnect()
    await line.close()
  })
  await until(async () => redis.status === 'ready')
  await scripts.now()
  return { line, redis, lost, submissions: new Submissions(scripts, lost) }
}
