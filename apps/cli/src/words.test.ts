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

test('what a table shows cannot act on a terminal or make lines of its own', () => {
  const tenant = '\u001b]0;gotcha\u0007\u009b2J\r\nadmin  acc_forged'
  expect(tableOf([{ tenant, key_id: 'key_1' }]).split('\n')).toEqual([
    expect.stringMatching(/^tenant +key_id$/),
    String.raw`\u001b]0;gotcha\u0007\u009b2J\u000d\u000aadmin  acc_forged  key_1`,
    '',
  ])
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
