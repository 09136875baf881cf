import { expect, test } from 'vitest'
import { COMMANDS } from './commands/index.ts'
import { durationMs } from './duration.ts'
import { tableOf } from './table.ts'
import { usage } from './usage.ts'

test.each([
  ['0', 0],
  ['0s', 0],
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['', undefined],
  ['24', undefined],
  ['1.5h', undefined],
  ['1h30m', undefined],
  ['-1h', undefined],
  ['1000000d', undefined],
])('the duration "%s" is %s ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

test('a table has its columns under the names of the members', () => {
  const rows = [
    { tenant: 'north', expires_at: null },
    { tenant: 'default', expires_at: '2026-11-21T10:00:00.000Z' },
  ]
  expect(tableOf(rows)).toBe(
    ['tenant   expires_at', 'north    -', 'default  2026-11-21T10:00:00.000Z', ''].join('\n'),
  )
  expect(tableOf([])).toBe('none\n')
})

test('the usage names every command and option', () => {
  const words = usage(COMMANDS)
  for (const { name, options } of COMMANDS) {
    expect(words).toContain(`  ${name}`)
    for (const option of Object.keys(options)) expect(words).toMatch(new RegExp(`^  --${option} `, 'm'))
  }
  expect(words).toMatch(/^ {2}--json /m)
  for (const line of words.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
})
