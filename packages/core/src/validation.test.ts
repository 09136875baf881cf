import { Line, Text } from '@accepted/contract'
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

test('a text that is too long is said to be that alone, and what it must not have is told in words', () => {
  const texts = compileCheck(
    Type.Object({
      name: Type.Optional(Line({ maxLength: 5 })),
      note: Type.Optional(Text({ maxLength: 5 })),
      day: Type.Optional(Type.String({ format: 'date', maxLength: 10 })),
    }),
  )
  expect(texts({ name: 'Zoë 山', note: 'a\tb\r\n', day: '2024-02-29' })).toEqual([])
  expect(texts({ name: 'a\tb\n\x7fc', note: 'abcd\0e', day: '2024-02-29T10:00' })).toEqual([
    { pointer: '/name', detail: 'must NOT have more than 5 characters' },
    { pointer: '/note', detail: 'must NOT have more than 5 characters' },
    { pointer: '/day', detail: 'must NOT have more than 10 characters' },
  ])
  expect(texts({ name: 'a\tb', note: 'a\0' })).toEqual([
    { pointer: '/name', detail: 'must not contain control characters' },
    { pointer: '/note', detail: 'must not contain control characters but tabs and line breaks' },
  ])
})

test('dates that do not exist are refused, and so are numbers that JSON cannot mean', () => {
  for (const day of ['2023-02-29', '2024-13-01', '2024-1-1', '', '2024-04-31']) {
    expect(check({ count: 1, day }), day).toEqual([{ pointer: '/day', detail: 'is not a valid date' }])
  }
  for (const count of [Number.NaN, Number.POSITIVE_INFINITY, JSON.parse('1e999'), '1', 1.5]) {
    expect(check({ count, day: '2024-01-01' }), String(count)).not.toEqual([])
  }
})

test('a date-time is one that JavaScript can read too', () => {
  const time = compileCheck(Type.Object({ at: Type.String({ format: 'date-time' }) }))
  for (const at of ['2021-10-03T10:00:00Z', '2021-10-03T10:00:00.123+05:30'])
    expect(time({ at }), at).toEqual([])
  for (const at of [
    '1998-12-31T23:59:60Z',
    '2021-10-03T10:00:00+01',
    '2021-10-03 10:00:00Z',
    '2021-02-30T10:00:00Z',
  ]) {
    expect(time({ at }), at).toEqual([{ pointer: '/at', detail: 'is not a valid date-time' }])
  }
})

test('text stands for a number only as a plain decimal', () => {
  const textual = compileCheck(Type.Object({ n: Type.Integer(), x: Type.Optional(Type.Number()) }), true)
  for (const n of ['1e999', '-1e999', '1e2', '0x10', '1.0', ' 1', '', 'NaN']) {
    expect(textual({ n }), n).toEqual([{ pointer: '/n', detail: 'must be integer' }])
  }
  expect(textual({ n: '-12', x: '0.5' })).toEqual([])
  expect(textual({ n: '1', x: '1e999' })).toEqual([{ pointer: '/x', detail: 'must be number' }])
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

test('of a hostile value the first 50 faults are told, with pointers cut to a length', () => {
  const list = Array.from({ length: 300_000 }, () => ({}))
  const faults = check({ count: 1, day: '2024-01-01', list })
  expect(faults).toHaveLength(50)
  expect(faults[49]).toEqual({ pointer: '/list/49/odd~1na~0me', detail: 'is required' })
  const [fault] = check({ count: 1, day: '2024-01-01', ['x'.repeat(1_000_000)]: 1 })
  expect(fault).toEqual({ pointer: `/${'x'.repeat(199)}…`, detail: 'is not a known member' })
})
