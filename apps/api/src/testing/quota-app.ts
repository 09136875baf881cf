import { Scripts, TenantLimits } from '@accepted/core'
import { vi } from 'vitest'
import { testApp } from './test-app.ts'

/** An API that asks for keys, and header fields of two tenants that have one. */
export async function quotaApp(environment: Record<string, string> = {}) {
  const test = await testApp({ AUTH: 'keys', ...environment })
  const { redis, prefix, keys } = test
  const tenant = async (name: string) => {
    const { key } = await keys.create({ tenant: name, scopes: ['tasks:read', 'tasks:write'] })
    return { authorization: `Bearer ${key}` }
  }
  return {
    ...test,
    north: await tenant('north'),
    south: await tenant('south'),
    limits: new TenantLimits(new Scripts(redis, prefix, null)),
    /** Lets buckets fill for so long, without waiting for it. */
    async passTime(ms: number): Promise<void> {
      for (const key of await redis.keys(`${prefix}:quota:*`)) {
        await redis.set(key, Number(await redis.get(key)) - 1000 * ms, 'KEEPTTL')
      }
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })
    },
  }
}
