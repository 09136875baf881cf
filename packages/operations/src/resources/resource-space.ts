import type { Redis } from 'ioredis'

/** The part of Redis where one tenant's resources are kept: what tasks made, and what they work on. */
export interface ResourceSpace {
  redis: Redis
  /** The full key of a name in this space. All keys of a tenant share a hash tag. */
  key(name: string): string
}

/** @param prefix what every key begins with */
export function resourceSpace(redis: Redis, prefix: string, tenant: string): ResourceSpace {
  return { redis, key: (name) => `${prefix}:{of-${tenant}}:${name}` }
}
