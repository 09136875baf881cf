import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hasEscapedNames, readJson, stringEnd } from './json.ts'

test('what was read before does not change how names are read', () => {
  readJson(String.raw`{"h":[],"\\":0}`)
  expect(readJson(String.raw`{"h":1,"\"":2}`)).toEqual({ h: 1, '"': 2 })
  readJson(String.raw`{"q":1,"x\\u":0}`)
  expect(readJson(String.raw`{"q":1,"x\u0041\u0042":2}`)).toEqual({ q: 1, xAB: 2 })
})

test('any value is read back as it was written, in its order, with any characters of its names escaped', () => {
  const escaped = (name: string) =>
    [...Array(name.length).keys()]
      .map((at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join('')
  const write = (value: unknown, space: string): string => {
    if (Array.isArray(value)) return `[${value.map((item) => write(item, space)).join()}]`
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)
    const members = Object.entries(value).map(([name, member], at) => {
      const written = at % 2 === 0 ? `"${escaped(name)}"` : JSON.stringify(name)
      return `${written}${space}:${write(member, space)}`
    })
    return `{${members.join()}}`
  }
  const name = fc.stringMatching(/^["\\:_0-9a\n]{0,3}$/)
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, name, fc.integer(), tie('list'), tie('object')),
    list: fc.array(tie('value'), { maxLength: 3 }),
    object: fc.dictionary(name, tie('value'), { noNullPrototype: true }),
  }))
  fc.assert(
    fc.property(value, fc.constantFrom('', ' ', '\t\r\n'), (wanted, space) => {
      expect(JSON.stringify(readJson(write(wanted, space)))).toBe(JSON.stringify(wanted))
    }),
    { numRuns: 500 },
  )
})

test('a member that stands twice is there once, with its last value; one named as a prototype is an own one', () => {
  expect(readJson(String.raw`{"a":1,"\u0061":2}`)).toEqual({ a: 2 })
  const value = readJson(String.raw`{"\u005f_proto__":{"x":1}}`) as object
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
})

test.each(['', '{', '{"a\\":1}', '{"\\x":1}', '{"\\u00":1}', '"\\', '{"\\n":1,}'])('no JSON: %s', (text) => {
  expect(() => readJson(text)).toThrow(SyntaxError)
})

test.each([
  ['{"\\u0061":1}', true],
  ['[{"b":{"a\\n" \n\t: 1}}]', true],
  ['{"a":"\\u0061"}', false],
  ['{"a":"\\"b\\\\c\\":1"}', false],
  ['["\\\\","a"]', false],
  ['{"\\\\":"\\\\"}', true],
])('names with escapes: %s %s', (text, has) => {
  expect(hasEscapedNames(text)).toBe(has)
})

test('a string is over behind its quote, not behind one with a backslash before it', () => {
  expect(stringEnd('"a"b"', 0)).toBe(3)
  expect(stringEnd('"a\\"b\\\\"c"', 0)).toBe(8)
  expect(stringEnd('"a\\"', 0)).toBe(4)
})
