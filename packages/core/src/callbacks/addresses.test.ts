import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AddressRange, judgeAddress, parseAddressRanges } from './addresses.ts'

function ranges(text: string): AddressRange[] {
  const read = parseAddressRanges(text)
  if (read.outcome === 'faulty') throw new Error(read.faults.join('; '))
  return read.ranges
}

function faultsOf(text: string): string[] {
  const read = parseAddressRanges(text)
  return read.outcome === 'faulty' ? read.faults : []
}

test.each([
  '1.1.1.1',
  '93.184.216.34',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:81b::200e',
  '::ffff:1.1.1.1',
])('%s is public', (address) => {
  expect(judgeAddress(address, [])).toEqual({ verdict: 'public' })
})

test.each([
  ['127.0.0.1', 'a loopback address'],
  ['127.255.255.254', 'a loopback address'],
  ['::1', 'a loopback address'],
  ['::ffff:127.0.0.1', 'a loopback address'],
  ['::ffff:7f00:1', 'a loopback address'],
  ['10.0.0.1', 'a private address'],
  ['172.16.0.1', 'a private address'],
  ['172.31.255.255', 'a private address'],
  ['192.168.1.1', 'a private address'],
  ['::ffff:10.0.0.1', 'a private address'],
  ['fc00::1', 'a private address'],
  ['fd12:3456::1', 'a private address'],
  ['100.64.0.1', 'a shared address (carrier-grade NAT)'],
  ['224.0.0.1', 'a multicast address'],
  ['ff02::1', 'a multicast address'],
  ['0.0.0.0', 'a reserved address'],
  ['0.1.2.3', 'a reserved address'],
  ['192.0.0.1', 'a reserved address'],
  ['192.0.2.1', 'a reserved address'],
  ['198.18.0.1', 'a reserved address'],
  ['203.0.113.1', 'a reserved address'],
  ['240.0.0.1', 'a reserved address'],
  ['255.255.255.255', 'a reserved address'],
  ['::', 'a reserved address'],
  ['100::1', 'a reserved address'],
  ['2001:db8::1', 'a reserved address'],
  ['3fff::1', 'a reserved address'],
  ['2001:2::1', 'a reserved address'],
  ['fec0::1', 'a reserved address'],
  ['5f00::1', 'a reserved address'],
  ['4000::1', 'a reserved address'],
  ['::ffff:0:127.0.0.1', 'a reserved address'],
  ['169.254.169.254', 'a link-local or metadata address'],
  ['169.254.170.2', 'a link-local or metadata address'],
  ['169.254.1.1', 'a link-local or metadata address'],
  ['::ffff:169.254.169.254', 'a link-local or metadata address'],
  ['168.63.129.16', 'a link-local or metadata address'],
  ['100.100.100.200', 'a link-local or metadata address'],
  ['fd00:ec2::254', 'a link-local or metadata address'],
  ['fe80::1', 'a link-local or metadata address'],
  ['fe80::1%eth0', 'a link-local or metadata address'],
  ['::7f00:1', 'an IPv6 address that stands for an IPv4 address'],
  ['::127.0.0.1', 'an IPv6 address that stands for an IPv4 address'],
  ['::1.1.1.1', 'an IPv6 address that stands for an IPv4 address'],
  ['::169.254.169.254', 'an IPv6 address that stands for an IPv4 address'],
  ['64:ff9b::7f00:1', 'an IPv6 address that stands for an IPv4 address'],
  ['64:ff9b::1.1.1.1', 'an IPv6 address that stands for an IPv4 address'],
  ['64:ff9b:1::a00:1', 'an IPv6 address that stands for an IPv4 address'],
  ['2002:7f00:1::', 'an IPv6 address that stands for an IPv4 address'],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'an IPv6 address that stands for an IPv4 address'],
  ['localhost', 'something that is no address'],
  ['0x7f.1', 'something that is no address'],
  ['', 'something that is no address'],
])('%s is %s', (address, kind) => {
  expect(judgeAddress(address, [])).toEqual({ verdict: 'forbidden', kind })
})

test('an opened range permits what is in it and nothing else', () => {
  const opened = ranges('127.0.0.0/8, fd12::/16')
  for (const address of ['127.0.0.1', '::ffff:127.9.9.9', 'fd12::1']) {
    expect(judgeAddress(address, opened)).toEqual({ verdict: 'opened' })
  }
  for (const address of ['::1', '10.0.0.1', 'fd13::1', '0.0.0.0', '64:ff9b::7f00:1', '::7f00:1']) {
    expect(judgeAddress(address, opened)).toMatchObject({ verdict: 'forbidden' })
  }
  expect(judgeAddress('1.1.1.1', opened)).toEqual({ verdict: 'public' })
})

test('metadata stays closed whatever is opened, in every disguise', () => {
  const opened = ranges('0.0.0.0/0, ::/0')
  for (const address of [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::169.254.169.254',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::169.254.169.254',
    '2002:a9fe:a9fe::1',
    '168.63.129.16',
    '100.100.100.200',
    'fd00:ec2::254',
    'fd20:ce::254',
    'fe80::a9fe:a9fe',
  ]) {
    expect(judgeAddress(address, opened), address).toMatchObject({ verdict: 'forbidden' })
  }
  expect(judgeAddress('10.0.0.1', opened)).toEqual({ verdict: 'opened' })
})

test('opened NAT64 is open no further than the address behind it', () => {
  const opened = ranges('64:ff9b::/96')
  expect(judgeAddress('64:ff9b::1.1.1.1', opened)).toEqual({ verdict: 'public' })
  expect(judgeAddress('64:ff9b::10.0.0.1', opened)).toEqual({
    verdict: 'forbidden',
    kind: 'a private address',
  })
})

test('any address of IPv4 is judged the same inside IPv6 as by itself', () => {
  const parts = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(parts, (octets) => {
      const address = octets.join('.')
      expect(judgeAddress(`::ffff:${address}`, [])).toEqual(judgeAddress(address, []))
      const nat64 = judgeAddress(`64:ff9b::${address}`, ranges('64:ff9b::/96'))
      expect(nat64).toEqual(judgeAddress(address, []))
    }),
  )
})

test('ranges are read with spaces between them, bare addresses count as one, and empty text is none', () => {
  expect(ranges(' 10.0.0.0/8 ,::1').map(([base, bits]) => `${base}/${bits}`)).toEqual([
    '10.0.0.0/8',
    '::1/128',
  ])
  expect(ranges('')).toEqual([])
  expect(ranges(' ')).toEqual([])
})

test('every faulty range is told in words', () => {
  expect(
    faultsOf(
      '10.0.0.0/8,,10.0.0/8,0x7f.0.0.0/8,10.0.0.0/33,fd00::/129,10.0.0.1/8,::ffff:10.0.0.0/104,host/8,1.1.1.1/8/9,10.0.0.0/',
    ),
  ).toEqual([
    'there is an empty entry between commas',
    '10.0.0/8 is not a range of addresses such as 10.0.0.0/8 or fd00::/8',
    '0x7f.0.0.0/8 is not a range of addresses such as 10.0.0.0/8 or fd00::/8',
    '10.0.0.0/33 must have a prefix length of 0 to 32 after its slash',
    'fd00::/129 must have a prefix length of 0 to 128 after its slash',
    '10.0.0.1/8 has bits beyond its prefix length: 10.0.0.0/8 or 10.0.0.1/32?',
    '::ffff:10.0.0.0/104 must be written as a range of IPv4',
    'host/8 is not a range of addresses such as 10.0.0.0/8 or fd00::/8',
    '1.1.1.1/8/9 is not a range of addresses such as 10.0.0.0/8 or fd00::/8',
    '10.0.0.0/ must have a prefix length of 0 to 32 after its slash',
  ])
})

test.each([
  '169.254.169.254',
  '169.254.169.254/32',
  '169.254.0.0/16',
  'fd00:ec2::/32',
  '100.100.100.200',
  '168.63.129.16/32',
  'fe80::/64',
])('to open %s, where only metadata or link-local addresses are, is a fault', (text) => {
  expect(faultsOf(`10.0.0.0/8,${text}`)).toEqual([
    `${text} is a link-local or metadata range, which cannot be opened`,
  ])
})
