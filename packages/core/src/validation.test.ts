import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { compileCheck } from './validation.ts'

const check = compileCheck(
  Type.Object(
    {
      count: Type.Integer({ maximum: 9 }),
      day: Type.String({ format: 'date' }),
      kind: Type.Optional(Type.Enum(['a', 'b'])),
      list: Type.Optional(Type.Array(Type.Object({ 'odd/na~me': Type.String() }))),
    },
    { additionalProperties: false },
  ),
)

test('a valid value has no faults', () => {
  expect(check({ count: 1, day: '2024-02-29', kind: 'a', list: [] })).toEqual([])
})

test('every fault is told with its JSON Pointer', () => {
  expect(check({ count: 10, kind: 'c', extra: 1, list: [{}, { 'odd/na~me': 1 }] })).toEqual(
    expect.arrayContaining([
      { pointer: '/day', detail: 'is required' },
      { pointer: '/extra', detail: 'is not a known member' },
      { pointer: '/count', detail: 'must be <= 9' },
      { pointer: '/kind', detail: 'must be one of a, b' },
      { pointer: '/list/0/odd~1na~0me', detail: 'is required' },
      { pointer: '/list/1/odd~1na~0me', detail: 'must be string' },
    ]),
  )
})

test('dates that do not exist are refused, and so are numbers that JSON cannot mean', () => {
  for (const day of ['2023-02-29', '2024-13-01', '2024-1-1', '', '2024-04-31']) {
    expect(check({ count: 1, day }), day).toEqual([{ pointer: '/day', detail: 'is not a valid date' }])
  }
  for (const count of [Number.NaN, Number.POSITIVE_INFINITY, JSON.parse('1e999'), '1', 1.5]) {
    expect(check({ count, day: '2024-01-01' }), String(count)).not.toEqual([])
  }
})

test('values that come as text are read as what the schema says', () => {
  const textual = compileCheck(
    Type.Object({ limit: Type.Integer({ default: 50 }), on: Type.Optional(Type.Boolean()) }),
    true,
  )
  const value = { on: 'true' }
  expect(textual(value)).toEqual([])
  expect(value).toEqual({ on: true, limit: 50 })
  expect(textual({ limit: 'many' })).toEqual([{ pointer: '/limit', detail: 'must be integer' }])
})
