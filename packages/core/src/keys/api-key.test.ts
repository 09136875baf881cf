import { expect, test } from 'vitest'
import { digestOfKey, isKeyId, newApiKey, prefixOfKey } from './api-key.ts'

test('a key is acc_ and 256 random bits; its id and digest tell nothing of them', () => {
  const keys = Array.from({ length: 100 }, newApiKey)
  expect(new Set(keys).size).toBe(100)
  for (const key of keys) {
    expect(Buffer.from(key.slice(4), 'base64url')).toHaveLength(32)
    const { keyId, digest } = digestOfKey(key)!
    expect(isKeyId(keyId)).toBe(true)
    expect(digest).toHaveLength(32)
    expect(key.slice(4)).not.toContain(keyId.slice(4))
    expect(key.startsWith(prefixOfKey(key))).toBe(true)
    expect(prefixOfKey(key)).toHaveLength(12)
  }
})

test.each([
  '',
  'acc_',
  `acc_${'a'.repeat(42)}`,
  `acc_${'a'.repeat(44)}`,
  `ACC_${'a'.repeat(43)}`,
  `acc_${'a'.repeat(42)}=`,
  ` acc_${'a'.repeat(43)}`,
  `acc_${'a'.repeat(43)}\n`,
])('%j is no key', (text) => expect(digestOfKey(text)).toBeUndefined())
