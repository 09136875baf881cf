import { readJson } from '@accepted/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutMembers } from './cut-members.ts'

const NAMES = ['callback_url', 'callback_events']

test.each([
  ['{"callback_url":"u"}', '{}'],
  ['{"a":1,"callback_url":"u"}', '{"a":1}'],
  ['{"callback_url":"u","a":1}', '{"a":1}'],
  ['{"a":1,"callback_url":"u","b":2}', '{"a":1,"b":2}'],
  ['{"callback_events":["failed"],"a":1,"callback_url":"u"}', '{"a":1}'],
])('%s becomes %s', (text, cut) => {
  expect(cutMembers(text, NAMES)).toBe(cut)
})

test('numbers keep their digits, members their order, and space its place', () => {
  const text = ' {"z": 1.0,\n "callback_url" : "u" , "a":1e2, "n":12345678901234567890 } '
  expect(cutMembers(text, NAMES)).toBe(' {"z": 1.0, "a":1e2, "n":12345678901234567890 } ')
})

test('a member that is there twice, or with its name escaped, goes as often as it is there', () => {
  const text = '{"callback_url":1,"a":2,"callback\\u005furl":3,"\\u0063allback_url":{"a":[1,2]}}'
  expect(cutMembers(text, NAMES)).toBe('{"a":2}')
})

test('what only looks like the member stays', () => {
  for (const text of [
    '{}',
    '{ }',
    '{"a":{"callback_url":"u"},"b":["callback_url"],"c":"\\"callback_url\\":1,"}',
    '{"callback\\\\u005furl":1,"Callback_url":2,"":3,"\\\\":"}"}',
  ])
    expect(cutMembers(text, NAMES)).toBe(text)
})

/** A name as JSON may write it: any of its characters escaped. */
const writtenName = fc
  .tuple(
    fc.oneof({ weight: 2, arbitrary: fc.string() }, fc.constantFrom(...NAMES)),
    fc.infiniteStream(fc.boolean()),
  )
  .map(([name, escapes]) => {
    const units = [...Array(name.length).keys()].map((at) => {
      const escaped = `\\u${name.charCodeAt(at).toString(16).padStart(4, '0')}`
      return escapes.next().value ? escaped : JSON.stringify(name[at]).slice(1, -1)
    })
    return { name, written: `"${units.join('')}"` }
  })
const space = fc.constantFrom('', ' ', '\n', '\t \r\n')
const number = fc.constantFrom('1.0', '-0', '1e400', '12345678901234567890', '1E+2')
const value = fc.oneof(fc.json(), fc.json(), number)
const member = fc.tuple(writtenName, space, space, space, value, space)

test('whatever a text is, the members are gone and all else is there, to the letter', () => {
  fc.assert(
    fc.property(fc.array(member), space, (members, around) => {
      const parts = members.map(([{ name, written }, one, two, three, content, four]) => ({
        name,
        text: `${one}${written}${two}:${three}${content}${four}`,
      }))
      const join = (some: typeof parts) => `${around}{${some.map(({ text }) => text).join()}}${around}`
      const cut = cutMembers(join(parts), NAMES)
      const rest = parts.filter(({ name }) => !NAMES.includes(name))
      expect(cut).toBe(join(rest))
      const {
        callback_url: _,
        callback_events: __,
        ...others
      } = readJson(join(parts)) as Record<string, unknown>
      expect(readJson(cut)).toEqual(others)
    }),
    { numRuns: 1_000 },
  )
})
