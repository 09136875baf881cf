import { expect, test } from 'vitest'
import { Places } from './places.ts'

test('an address has so many places and no more, until one is given back', () => {
  const places = new Places({ inAll: 10, perAddress: 2 })
  expect(['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1'].map((address) => places.take(address))).toEqual([
    true,
    true,
    false,
  ])
  expect(places.take('192.0.2.2')).toBe(true)
  places.free('::ffff:192.0.2.1')
  expect(places.take('192.0.2.1')).toBe(true)
  expect(places.take('192.0.2.1')).toBe(false)
})

test('all addresses together have so many places', () => {
  const places = new Places({ inAll: 2, perAddress: undefined })
  expect([1, 2, 3].map((last) => places.take(`192.0.2.${last}`))).toEqual([true, true, false])
  places.free('192.0.2.1')
  expect(places.taken).toBe(1)
  expect(places.take('192.0.2.1')).toBe(true)
})

test.each([
  ['2001:db8:0:1::1', '2001:db8:0:1:ffff:2:3:4', true],
  ['2001:db8::1', '2001:db8::ffff:0:0:1', true],
  ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
  ['::1', '::2', true],
  ['fe80::1%eth0', 'fe80::2%eth0', true],
  ['fe80::', '::', false],
])('%s and %s are one client: %s', (one, other, same) => {
  const places = new Places({ inAll: 10, perAddress: 1 })
  places.take(one)
  expect(places.take(other)).toBe(!same)
})
