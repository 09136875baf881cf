import type { InputSchema } from '@accepted/api/testing'
import fc, { type Arbitrary } from 'fast-check'

const MOST_ITEMS = 3

/** Values that are as the schema wants them. */
export function valid(schema: InputSchema): Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum)
  switch (schema.type) {
    case 'string':
      return validText(schema)
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1000, max: schema.maximum ?? 1_000_000 })
    case 'array': {
      const { minItems: minLength = 0, maxItems = MOST_ITEMS, items = {} } = schema
      return fc.array(valid(items), {
        minLength,
        maxLength: Math.max(minLength, Math.min(maxItems, MOST_ITEMS)),
      })
    }
    case 'object': {
      const { properties = {}, required: requiredKeys = [] } = schema
      const members: Record<string, Arbitrary<unknown>> = {}
      for (const [name, member] of Object.entries(properties)) members[name] = valid(member)
      return fc.record(members, { requiredKeys })
    }
    default:
      return junk
  }
}

const FIRST_DAY = Date.parse('2021-09-01')
const LAST_DAY = Date.parse('2022-01-01')
const DAY_MS = 86_400_000
const day = fc
  .integer({ min: 0, max: (LAST_DAY - FIRST_DAY) / DAY_MS })
  .map((days) => new Date(FIRST_DAY + days * DAY_MS).toISOString().slice(0, 10))
const FORMATS: Record<string, Arbitrary<string>> = {
  date: day,
  'date-time': fc
    .tuple(day, fc.constantFrom('T00:00:00Z', 'T23:59:59.999+14:00', 'T12:00:00-00:01'))
    .map((all) => all.join('')),
}

function validText({ pattern, format, minLength = 0, maxLength = 60 }: InputSchema): Arbitrary<string> {
  if (format && FORMATS[format]) return FORMATS[format]
  if (pattern) return fc.stringMatching(new RegExp(pattern))
  const unit = fc.constantFrom('grapheme' as const, 'binary' as const)
  return unit.chain((kind) => fc.string({ unit: kind, minLength, maxLength: Math.min(maxLength, 60) }))
}

/** Values that break the schema in one place, or by one more than it allows. */
export function nearlyValid(schema: InputSchema): Arbitrary<unknown> {
  switch (schema.enum ? 'string' : schema.type) {
    case 'string': {
      const { minLength = 0, maxLength = 5_000 } = schema
      const edges = ['x'.repeat(Math.max(0, minLength - 1)), 'x'.repeat(maxLength), 'x'.repeat(maxLength + 1)]
      return fc.oneof(
        fc.constantFrom(...edges),
        valid(schema).map((text) => `${text}\n`),
        valid(schema).map((text) => ` ${text}`),
        fc.constantFrom(...ODD_TEXTS),
        junk,
      )
    }
    case 'integer': {
      const { minimum = 0, maximum = 9 } = schema
      return fc.oneof(
        fc.constantFrom(minimum - 1, maximum + 1, minimum + 0.5, -0, 1e21, 5e-324, '3', [3]),
        junk,
      )
    }
    case 'array': {
      const { maxItems = 100, items = {} } = schema
      return fc.oneof(
        fc.constant([]),
        valid(items).map((item) => Array(maxItems + 1).fill(item)),
        fc.array(fc.oneof(valid(items), nearlyValid(items)), { minLength: 1, maxLength: MOST_ITEMS }),
        junk,
      )
    }
    case 'object': {
      const names = Object.keys(schema.properties ?? {})
      return fc
        .tuple(
          valid(schema) as Arbitrary<Record<string, unknown>>,
          fc.constantFrom('', ...names),
          junkName,
          junk,
        )
        .chain(([value, name, stray, other]) => {
          const { [name]: _, ...without } = value
          if (name === '') return fc.constant({ ...value, [stray]: other })
          const broken = nearlyValid(schema.properties![name]!).map((member) => ({
            ...value,
            [name]: member,
          }))
          return fc.oneof({ weight: 1, arbitrary: fc.constant(without) }, { weight: 4, arbitrary: broken })
        })
    }
    default:
      return junk
  }
}

/** Texts that other software has stumbled over. */
export const ODD_TEXTS = [
  '',
  '\0',
  'null',
  '-0',
  '1e999',
  '9'.repeat(400),
  '\ud800',
  '\u202e\u2028\ufeff',
  'ﷺ'.repeat(50),
  'a\u0300'.repeat(200),
  '%00%0d%0a',
  '\r\nSet-Cookie: a=b',
  '../../etc/passwd',
  '#{7*7} {{7*7}} %n%n%s',
  "'; DROP TABLE tasks; --",
  '<script>alert(1)</script>',
  '*1\r\n$8\r\nFLUSHALL\r\n',
  '2021-02-29',
  '9999-12-31T23:59:60Z',
  '+292278994-08-17',
]

const junkName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'length', '', 'task_id', 'tenant'),
)

/** Anything that JSON can say. */
const junk: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS, null, true, 0, -1, 1e308, [], {}, [[]], [null], { a: { b: {} } }),
  fc.jsonValue({ maxDepth: 3 }),
)
