import { expect, test } from 'vitest'
import { Places } from './places.ts'

test('a holder has so many places and no more, until one is given back', () => {
  const places = new Places({ inAll: 10, perHolder: 2 })
  expect(['one', 'one', 'one'].map((holder) => places.take(holder))).toEqual([true, true, false])
  expect(places.take('other')).toBe(true)
  places.free('one')
  expect(['one', 'one'].map((holder) => places.take(holder))).toEqual([true, false])
})

test('all together have so many places', () => {
  const places = new Places({ inAll: 2, perHolder: undefined })
  expect(['a', 'b', 'c'].map((holder) => places.take(holder))).toEqual([true, true, false])
  places.free('a')
  expect(places.taken).toBe(1)
  expect(places.take('b')).toBe(true)
})
