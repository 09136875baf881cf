import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from './json-text.ts'

/** Why a text is refused. */
function refusal(text: string): string {
  try {
    parseJson(text)
  } catch (error) {
    return (error as Error).message
  }
  return 'it was read'
}

test('any JSON is read as it was written', () => {
  const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value))
  fc.assert(
    fc.property(json, (text) => {
      fc.pre(!/__proto__|"constructor"/.test(text))
      expect(JSON.stringify(parseJson(text))).toBe(text)
    }),
  )
})

test('any text is read, or refused in words', () => {
  const junk = fc.stringMatching(/^["\\{}[\]:,0-9a-u\s-]{1,30}$/)
  fc.assert(
    fc.property(junk, (text) => {
      if (refusal(text) === 'it was read') expect(() => JSON.parse(text)).not.toThrow()
      else expect(refusal(text)).toMatch(/^The body (is|has|nests) .*\.$/s)
    }),
    { numRuns: 500 },
  )
})

test.each([
  [64, '[', ']'],
  [64, '{"a":', '}'],
])('%i levels of %s are read, one more are not', (levels, open, close) => {
  const nested = (depth: number) => `${open.repeat(depth - 1)}[1]${close.repeat(depth - 1)}`
  expect(refusal(nested(levels))).toBe('it was read')
  expect(refusal(nested(levels + 1))).toMatch(/nests deeper than 64 levels at character/)
})

test('10,000 members, items, objects and arrays are read, more are not, however small', () => {
  const words = /has more than 10000 members, items, objects and arrays at character \d+/
  expect(refusal(`[${'1,'.repeat(9_998)}1]`)).toBe('it was read')
  expect(refusal(`[${'1,'.repeat(10_000)}1]`)).toMatch(words)
  expect(refusal(`[${'{},'.repeat(10_000)}1]`)).toMatch(words)
  expect(refusal(`{${Array.from({ length: 100_000 }, (_, n) => `"${n * 65_536}":1`)}}`)).toMatch(words)
  expect(refusal('['.repeat(60) + '],['.repeat(20_000))).toMatch(words)
})

test('a number of 100 digits is read, a longer one is not, wherever it stands', () => {
  for (const number of ['9'.repeat(101), `0.${'1'.repeat(101)}`, `1e${'0'.repeat(101)}`]) {
    expect(refusal(`{"a":${number}}`)).toMatch(/has a number of more than 100 digits at character/)
  }
  expect(refusal(`[${'9'.repeat(100)},"${'9'.repeat(1_000)}"]`)).toBe('it was read')
})

test.each([
  '{"a":1,"a":2}',
  '{"a":1,"\\u0061":1}',
  '[{"b":{"a":1,"c":{},"a":1}}]',
  `{"a":":","b":"\\":","a":"{"}`,
])('a member that stands twice is refused: %s', (text) => {
  expect(refusal(text)).toBe('The body has an object with two members of the same name.')
})

test('a byte order mark is no JSON', () => {
  expect(refusal('\uFEFF{"a":1}')).toBe('The body is not JSON: it begins with a byte order mark.')
  expect(refusal('{"a":"\uFEFF"}')).toBe('it was read')
})

test('what looks like a member within a string is none', () => {
  const text = '{"a":"\\"b\\":1,\\\\","b":"{\\"a\\":[:,{}","c":"\\\\"}'
  expect(parseJson(text)).toEqual(JSON.parse(text))
})

test.each(['["\\ud800"]', '{"a":{"\\udc00":1}}', '["x\\ude00\\ud83dx"]'])(
  'halves of pairs are refused: %s',
  (text) => {
    expect(refusal(text)).toBe(
      'The body has half of a surrogate pair (\\ud800 to \\udfff), which is no character.',
    )
    expect(refusal('["\\ud83d\\ude00 \\u0000"]')).toBe('it was read')
  },
)

test.each([
  '{"__proto__":1}',
  '{"a":[{"\\u005f_proto__":{"x":1}}]}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"a":{"constructor" : {"b":1,"proto\\u0074ype":{}}}}',
])('a prototype is not to be had: %s', (text) => {
  expect(refusal(text)).toMatch(/^The body is not JSON: .*forbidden prototype property/)
})

test('what another sent before changes neither how names are read nor which are refused', () => {
  for (const before of ['{"h":[],"\\\\":0}', '{"p":[],"\\\\u005f_pr":0}'])
    expect(refusal(before)).toBe('it was read')
  expect(parseJson('{"h":1,"\\"":2}')).toEqual({ h: 1, '"': 2 })
  expect(refusal('{"p":1,"\\u005f_proto__":{"x":1}}')).toMatch(/forbidden prototype property/)
})
