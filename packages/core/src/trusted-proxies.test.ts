import { expect, test } from 'vitest'
import { parseTrustedProxies } from './trusted-proxies.ts'

function trusts(text: string): (address: string, hop: number) => boolean {
  const read = parseTrustedProxies(text)
  if (read.outcome !== 'proxies' || !read.proxies) throw new Error(`${text} trusts nobody`)
  return read.proxies
}

test('false trusts nobody, true whoever has connected and none of whom it tells', () => {
  for (const text of ['', ' ', 'false']) {
    expect(parseTrustedProxies(text)).toEqual({ outcome: 'proxies', proxies: false })
  }
  expect([0, 1, 2].map((hop) => trusts('true')('203.0.113.7', hop))).toEqual([true, false, false])
})

test('ranges trust who is in one of them, however many there are in a row', () => {
  const isTrusted = trusts('10.0.0.0/8, 2001:db8::/32,127.0.0.1,fe80::/10,169.254.171.0/24')
  const ours = ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1', '127.0.0.1', 'fe80::1%br-1', '169.254.171.9']
  const others = ['11.0.0.1', '2001:db9::1', '127.0.0.2', 'unknown', '', 'x'.repeat(1_000)]
  for (const address of ours) expect([address, isTrusted(address, 3)]).toEqual([address, true])
  for (const address of others) expect([address, isTrusted(address, 0)]).toEqual([address, false])
})

test('anything else is told', () => {
  for (const text of ['yes', '1', '10.0.0.0/33', '10.0.0.0/8,,', 'localhost']) {
    expect(parseTrustedProxies(text)).toMatchObject({ outcome: 'faulty' })
  }
})
