import { expect } from 'vitest'
import type { Claim } from '../index.ts'
import { createTask, type TestStore, terms } from './index.ts'

/** What all keys of its only shard begin with. */
export const baseOf = (store: TestStore) => store.scripts.prefixOf(0)

/** Sets how many tasks of a tenant run at once, as operators do. */
export async function cap(store: TestStore, tenant: string, running: number | string): Promise<void> {
  await store.redis.hset(`${baseOf(store)}limits`, { [`${tenant} running`]: running })
}

/** So many tasks of a tenant wait more. Resolves to their ids. */
export async function fill(store: TestStore, tenant: string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => createTask(store, { tenant })))
}

/** Claims all that may run now, at most so many. */
export async function claimAll(store: TestStore, most = 200): Promise<Claim[]> {
  const claims: Claim[] = []
  for (let claim = await store.work.claim(0, 'test'); claim; claim = await store.work.claim(0, 'test')) {
    claims.push(claim)
    if (claims.length === most) break
  }
  return claims
}

/** Claims so many in one batch. @throws {AssertionError} if not as many may run */
export async function claimAtOnce(store: TestStore, count: number): Promise<void> {
  const claims = await Promise.all(Array.from({ length: count }, () => store.work.claim(0, 'test')))
  expect(claims.filter((claim) => claim !== null)).toHaveLength(count)
}

/** Does what is due, and looks after the lane. */
export async function tick(store: TestStore): Promise<void> {
  await store.upkeep.tick(0, ['test'], terms())
}
