import { createHash } from 'node:crypto'
import { v7 } from 'uuid'

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A new UUIDv7 (RFC 9562) that carries its shard, 0…4095, in the 12 bits of rand_a. */
export function newId(shard = 0): string {
  return v7({ seq: ((shard << 20) | Math.floor(Math.random() * 2 ** 20)) >>> 0 })
}

/** Whether the text has the form of an id of ours: a lower-case UUIDv7. */
export function isId(text: string): boolean {
  return UUID7.test(text)
}

/** The shard that an id carries. Only for texts that `isId` accepts. */
export function shardOfId(id: string): number {
  return Number.parseInt(id.slice(15, 18), 16)
}

/** The shard that a tenant's tasks live in. */
export function shardOfTenant(tenant: string, shards: number): number {
  return createHash('sha256').update(tenant).digest().readUInt32BE(0) % shards
}
