import { expect, test } from 'vitest'
import { actedByText, harmless, NAME_LENGTH } from './acted-by.ts'

test('a name that is harmless stays as it is', () => {
  for (const name of [
    '',
    'key_5dJ0cG3vQm8zR1aL',
    'https://issuer.example Zoë 山田 🚗',
    'x'.repeat(NAME_LENGTH),
  ]) {
    expect(harmless(name, NAME_LENGTH)).toBe(name)
  }
})

test('one that is too long, or has what is not shown, is changed, and no two become one', () => {
  const names = [
    'x'.repeat(1_000),
    `${'x'.repeat(999)}y`,
    `${'x'.repeat(182)}🚗${'x'.repeat(1_000)}`,
    '🚗'.repeat(500),
    'a\nb',
    'a\tb',
    'a\u001fb',
    'a\u0000b',
    'a\u009bb',
    'a\u2028b',
    'a\u202eb',
    'a\ud800b',
    'a\u{e0041}b',
  ]
  const safe = names.map((name) => harmless(name, NAME_LENGTH))
  expect(new Set(safe).size).toBe(names.length)
  for (const name of safe) {
    expect(name.length).toBeLessThanOrEqual(NAME_LENGTH)
    expect(name).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    expect(name).toMatch(/…[\w-]{16}$/)
    expect(Buffer.from(name).toString()).toBe(name)
  }
})

test('scripts are told how many entries are kept, and nothing if nobody is noted', () => {
  const by = { name: 'key_a', address: '::1', requestId: null, kept: 7 }
  expect(actedByText(by)).toBe('7 key_a\u001f::1\u001f')
  expect(actedByText({ ...by, kept: Number.POSITIVE_INFINITY })).toBe('0 key_a\u001f::1\u001f')
  expect(actedByText(undefined)).toBe('')
})
