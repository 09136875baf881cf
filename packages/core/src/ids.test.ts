import { expect, test } from 'vitest'
import { isId, newId, shardOfId, shardOfTenant } from './ids.ts'

test('an id carries its shard, whichever of the 4,096 it is', () => {
  for (const shard of [0, 1, 7, 255, 4095]) {
    const id = newId(shard)
    expect(isId(id)).toBe(true)
    expect(shardOfId(id)).toBe(shard)
  }
})

test('ids differ, and their first part tells their time', () => {
  const before = Date.now()
  const ids = Array.from({ length: 10_000 }, () => newId())
  expect(new Set(ids).size).toBe(10_000)
  const time = Number.parseInt(ids[0]!.replaceAll('-', '').slice(0, 12), 16)
  expect(time).toBeGreaterThanOrEqual(before)
  expect(time).toBeLessThanOrEqual(Date.now())
})

test('what is not a lower-case UUIDv7 is no id', () => {
  const id = newId()
  for (const text of [
    '',
    'abc',
    id.toUpperCase(),
    `${id}0`,
    `${id.slice(0, 14)}4${id.slice(15)}`,
    ` ${id}`,
    `${id}\n`,
  ]) {
    expect(isId(text), text).toBe(false)
  }
})

test('tenants are spread over the shards, always to the same one', () => {
  const shards = Array.from({ length: 400 }, (_, n) => shardOfTenant(`tenant-${n}`, 4))
  expect(shards).toEqual(Array.from({ length: 400 }, (_, n) => shardOfTenant(`tenant-${n}`, 4)))
  for (const shard of [0, 1, 2, 3]) expect(shards.filter((s) => s === shard).length).toBeGreaterThan(60)
})
