import { expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const NOW_MS = Date.parse('1994-11-06T08:49:07Z')

test.each([
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7_000],
  ['3600', 3_600_000],
  ['3601', 3_600_000],
  ['1000000000', 3_600_000],
  ['9'.repeat(400), 3_600_000],
  ['-5', 0],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
  ['Sun Nov  6 08:49:37 1994', 30_000],
  ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
  ['Tue, 01 Jan 2030 00:00:00 GMT', 3_600_000],
])('%s asks for %d ms', (field, ms) => {
  expect(retryAfterMs(field, NOW_MS)).toBe(ms)
})

test.each([
  [undefined],
  [['1', '2']],
  [''],
  ['1e9'],
  ['1.5'],
  ['0x10'],
  ['+5'],
  ['soon'],
  ['NaN'],
  ['Infinity'],
  ['1994-11-06T08:49:37Z'],
  ['Sun, 06 Nov 1994 08:49:37 +0100'],
  ['Sun, 99 Nov 1994 08:49:37 GMT'],
  ['Sun, 06 Foo 1994 08:49:37 GMT'],
])('%j asks for nothing', (field) => {
  expect(retryAfterMs(field, NOW_MS)).toBeUndefined()
})
