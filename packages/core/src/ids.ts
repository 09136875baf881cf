import { createHash, randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A new UUIDv7 (RFC 9562) that carries its shard, 0…4095, in the 12 bits of rand_a. */
export function newId(shard = 0): string {
  const random = randomBytes(16)
  return v7({ random, seq: ((shard << 20) | (random.readUInt32BE(0) >>> 12)) >>> 0 })
}

/** So many random bytes as lower-case hexadecimal digits. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

// Asking the system for 16 bytes costs nearly as much as for 4,096.
const pool = Buffer.alloc(4_096)
let used = pool.length

/** To be used before the next call: it is a part of the pool. */
function randomBytes(bytes: number): Buffer {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.subarray(used - bytes, used)
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
  if (shards === 1) return 0
  return createHash('sha256').update(tenant).digest().readUInt32BE(0) % shards
}
