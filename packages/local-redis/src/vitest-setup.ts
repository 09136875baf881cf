import type { TestProject } from 'vitest/node'
import { startTestRedis } from './test-redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the tests' Redis is; shared by all test files, so each keeps to a key prefix of its own. */
    redisUrl: string
  }
}

/**
 * Vitest's global setup for projects whose tests need Redis. The first such project of a run starts it for all: it is
 * provided by the root project, and torn down when the run closes.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const root = project.vitest.getRootProject()
  if ('redisUrl' in root.getProvidedContext()) return undefined
  const redis = await startTestRedis((words) => project.vitest.logger.log(words))
  root.provide('redisUrl', redis.url)
  return () => redis.stop()
}
