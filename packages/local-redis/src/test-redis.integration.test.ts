import { describe, expect, test } from 'vitest'
import { startTestRedis } from './test-redis.ts'

describe('Redis for tests', () => {
  test('is a container where one can be had', async () => {
    const said: string[] = []
    const container = { url: 'redis://127.0.0.1:1', stop: async () => {} }
    const redis = await startTestRedis(
      (words) => said.push(words),
      async () => container,
    )
    expect(redis).toBe(container)
    expect(said).toEqual(['tests use Redis in a container, at redis://127.0.0.1:1'])
  })

  test('is a private one, and says why, where a container fails', async () => {
    const said: string[] = []
    const redis = await startTestRedis(
      (words) => said.push(words),
      async () => {
        throw new Error('no such image')
      },
    )
    await redis.stop()
    expect(said).toEqual([
      'tests cannot use a container (no such image)',
      expect.stringMatching(/^tests use a private Redis \d+\.\d+\.\d+ on port \d+$/),
    ])
  })
})
