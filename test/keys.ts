import type { Scope } from '@accepted/contract'
import { ApiKeys, connectForWork, createLog, Scripts } from '@accepted/core'
import { onTestFinished } from 'vitest'
import type { Stack } from './stack.ts'

/** The API keys of a stack, as the command line would see to them, until the test is over. */
export function keysOf({ prefix, redisUrl }: Pick<Stack, 'prefix' | 'redisUrl'>) {
  const redis = connectForWork(redisUrl, createLog('test', 'silent'))
  onTestFinished(() => redis.disconnect())
  const keys = new ApiKeys(new Scripts(redis, prefix, null))
  return {
    revoke: (keyId: string) => keys.revoke(keyId),
    /** @param lifetimeMs 0: for ever */
    create: (tenant: string, scopes: Scope[] = ['tasks:read', 'tasks:write'], lifetimeMs = 0) =>
      keys.create({ tenant, scopes, lifetimeMs }),
  }
}

/** The header field that carries a key. */
export function bearer({ key }: { key: string }): { authorization: string } {
  return { authorization: `Bearer ${key}` }
}
