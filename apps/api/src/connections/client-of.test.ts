import { expect, test } from 'vitest'
import { clientOf } from './client-of.ts'

test.each([
  ['192.0.2.1', '::ffff:192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
  ['2001:db8:0:1::1', '2001:db8:0:1:ffff:2:3:4', true],
  ['2001:db8::1', '2001:db8::ffff:0:0:1', true],
  ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
  ['::1', '::2', true],
  ['fe80::1%eth0', 'fe80::2%eth0', true],
  ['fe80::', '::', false],
])('%s and %s are one client: %s', (one, other, same) => {
  expect(clientOf(one) === clientOf(other)).toBe(same)
})
