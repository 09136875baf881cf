import { expect, test } from 'vitest'
import { bytesOf } from './bytes.ts'

test.each([
  ['0', 0],
  ['500000', 500_000],
  ['100MB', 100_000_000],
  ['1kB', 1_000],
  ['2GB', 2_000_000_000],
  ['1KiB', 1_024],
  ['3MiB', 3_145_728],
  ['1GiB', 1_073_741_824],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
])('%s are %i bytes', (text, bytes) => {
  expect(bytesOf(text)).toBe(bytes)
})

test.each(['', 'MB', '1.5MB', '-1', '1 MB', '1mb', '1TB', '9007199254740992', '9999999999GiB'])(
  'nothing is made of %j',
  (text) => {
    expect(bytesOf(text)).toBeUndefined()
  },
)
