import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'luaparse'
import { describe, expect, test } from 'vitest'
import { SCRIPT_SOURCES } from './scripts.ts'

/** What Redis and Lua 5.1 give every script. */
const GIVEN = new Set(
  `KEYS ARGV redis cmsgpack struct math string table
  _G ipairs pairs next rawget tonumber tostring unpack`.split(/\s+/),
)

/** The globals that a source uses, beyond those that are given. */
function unknownGlobals(source: string): string[] {
  const { globals } = parse(source, { luaVersion: '5.1', scope: true }) as unknown as {
    globals: { name: string }[]
  }
  return globals.map(({ name }) => name).filter((name) => !GIVEN.has(name))
}

// A library that a script does not name shows itself in Redis only, when its function is called.
describe('a script has all that it uses', () => {
  test.each([...SCRIPT_SOURCES])('%s', (_, source) => {
    expect(unknownGlobals(source)).toEqual([])
  })
})

test('no function of a library is left that nothing uses', () => {
  const scripts = new URL('../scripts/', import.meta.url)
  const sources = readdirSync(scripts, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.lua'))
    .map((file) => readFileSync(new URL(file, scripts), 'utf8'))
  const text = sources.join('\n').replaceAll(/--.*$/gm, '')
  const functions = [...text.matchAll(/^local function (\w+)/gm)].map(([, name]) => name!)
  expect(functions.length).toBeGreaterThan(20)
  const uses = (name: string) => [...text.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length
  expect(functions.filter((name) => uses(name) < 2)).toEqual([])
})
