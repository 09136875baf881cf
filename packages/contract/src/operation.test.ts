import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { defineOperation, pathMembers } from './operation.ts'

const spec = {
  name: 'car.paint',
  route: 'POST /cars/{car_id}/coats',
  summary: 'Paint a car',
  input: Type.Object({ car_id: Type.String(), color: Type.String() }),
  output: Type.Null(),
} as const

test('what is left out has its default, and members that the input does not name are refused', () => {
  expect(defineOperation(spec)).toMatchObject({
    steps: [],
    attempts: 3,
    backoff: { firstMs: 1_000, maxMs: 60_000 },
    lane: 'car.paint',
    immediate: false,
    input: { additionalProperties: false },
  })
  const open = Type.Object({ car_id: Type.String() }, { additionalProperties: true })
  expect(defineOperation({ ...spec, input: open }).input).toMatchObject({ additionalProperties: true })
})

test.each([
  [{ name: 'paint' }, 'noun.verb'],
  [{ name: 'Car.paint' }, 'noun.verb'],
  [{ name: `car.${'a'.repeat(97)}` }, 'at most 100 characters'],
  [{ lane: 'a:b' }, 'the lane must be'],
  [{ lane: 'callbacks' }, 'is taken'],
  [{ attempts: 0 }, 'at least 1'],
  [{ steps: ['mix', 'mix'] }, 'two steps have the same name'],
  [{ route: 'POST /cars/{id}' as const }, 'the path names {id}'],
  [{ resource: () => '/coats/1' }, 'name of its collection'],
])('a declaration with %j is refused in words', (change, words) => {
  expect(() => defineOperation({ ...spec, ...change })).toThrow(words)
})

test.each(['callback_url', 'callback_events'])('an input with the member %s is refused', (member) => {
  const input = Type.Object({ ...spec.input.properties, [member]: Type.String() })
  expect(() => defineOperation({ ...spec, input })).toThrow(`'${member}' is taken`)
})

test('the members of a path are told in order', () => {
  expect(pathMembers('GET /a/{x}/b/{y_1}')).toEqual(['x', 'y_1'])
  expect(pathMembers('GET /a')).toEqual([])
})
