import { expect, test } from 'vitest'
import { durationMs } from './duration.ts'

test.each([
  ['0ms', 0],
  ['500ms', 500],
  ['90s', 90_000],
  ['5m', 300_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
])('"%s" is %s ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

test.each(['', '5', 's', '-5s', '1.5s', ' 5s', '5 s', '5S', '1e3s', '1234567890s'])(
  '"%s" is no duration',
  (text) => {
    expect(durationMs(text)).toBeUndefined()
  },
)
