import { expect, test } from 'vitest'
import { chooseStyle, idempotencyKey } from './start-options.ts'

test('a quoted key and a bare one are the same', () => {
  expect(idempotencyKey('"abc"')).toBe('abc')
  expect(idempotencyKey('abc')).toBe('abc')
  expect(idempotencyKey('"a\\"b"')).toBe('a"b')
  expect(idempotencyKey(undefined)).toBeUndefined()
})

test('a key has 1 to 255 visible characters', () => {
  expect(idempotencyKey('k'.repeat(255))).toHaveLength(255)
  for (const field of ['', '""', 'k'.repeat(256), `"${'k'.repeat(256)}"`, 'ключ', 'a\tb']) {
    expect(() => idempotencyKey(field), field).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  }
})

test('the query chooses the style, else the preference, else it is monitor', () => {
  expect(chooseStyle({ style: 'created' }, 'task-style=see-other')).toEqual({
    style: 'created',
    applied: undefined,
  })
  expect(chooseStyle({}, 'task-style=see-other')).toEqual({
    style: 'see-other',
    applied: 'task-style=see-other',
  })
  expect(chooseStyle({}, 'task-style=fancy')).toEqual({ style: 'monitor', applied: undefined })
  expect(chooseStyle({}, undefined)).toEqual({ style: 'monitor', applied: undefined })
})
