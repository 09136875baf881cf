import { expect, test } from 'vitest'
import { COMMANDS } from './commands/index.ts'
import { tableOf } from './table.ts'
import { usage } from './usage.ts'

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
