import { expect, test } from 'vitest'
import { parseHostsFile } from './hosts-file.ts'

test('each name of a hosts file has all its addresses; comments and what is not understood are passed over', () => {
  const text = `
# comment
127.0.0.1\tlocalhost  Shop.Example
10.0.0.7 shop.example # another
::1 ip6-localhost
nonsense name
10.0.0.8
`
  expect(Object.fromEntries(parseHostsFile(text))).toEqual({
    localhost: ['127.0.0.1'],
    'shop.example': ['127.0.0.1', '10.0.0.7'],
    'ip6-localhost': ['::1'],
  })
})
