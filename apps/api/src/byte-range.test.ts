import { expect, test } from 'vitest'
import { byteRange } from './byte-range.ts'

test.each([
  ['bytes=0-9', { first: 0, last: 9 }],
  ['bytes=90-', { first: 90, last: 99 }],
  ['bytes=90-1000', { first: 90, last: 99 }],
  ['bytes=-10', { first: 90, last: 99 }],
  ['bytes=-1000', { first: 0, last: 99 }],
  ['bytes=99-99', { first: 99, last: 99 }],
])('%s of 100 bytes is a part', (field, range) => {
  expect(byteRange(field, 100)).toEqual(range)
})

test.each(['bytes=100-', 'bytes=100-200', 'bytes=-0'])('%s of 100 bytes lies outside', (field) => {
  expect(byteRange(field, 100)).toBe('unsatisfiable')
})

test.each([undefined, '', 'bytes=', 'bytes=-', 'bytes=9-5', 'lines=0-1', 'bytes=0-1,3-4', 'bytes=a-b'])(
  '%s asks for no one range: the whole is served',
  (field) => {
    expect(byteRange(field, 100)).toBe('whole')
  },
)
