import { expect, onTestFinished, test } from 'vitest'
import { type DnsAnswer, startDnsServer } from '../testing/dns-server.ts'
import { parseCallbackUrl } from './callback-url.ts'
import { NameResolver } from './name-resolver.ts'
import { judgeAddresses, judgeTarget, readTargetRules, resolveHost } from './targets.ts'

const ANSWERS: Record<string, DnsAnswer> = {
  'public.example': ['93.184.216.34', '2606:4700::1'],
  'private.example': ['10.0.0.1'],
  'metadata.example': ['169.254.169.254'],
  'six.example': ['::1'],
  'ten.example': [...Array.from({ length: 9 }, (_, n) => `93.184.216.${n}`), '192.168.0.1'],
  'nothing.example': [],
  'hang.example': 'silence',
  'broken.example': 'failure',
  'xn--bcher-kva.example': ['127.0.0.1'],
}

function rulesOf(ranges = '', requireHttps = false) {
  const read = readTargetRules({ CALLBACK_ALLOW_CIDRS: ranges, CALLBACK_REQUIRE_HTTPS: requireHttps })
  if (read.outcome === 'faulty') throw new Error(read.faults.join('; '))
  return read.rules
}

async function judge(text: string, rules = rulesOf()) {
  const read = parseCallbackUrl(text)
  if (read.outcome === 'faulty') throw new Error(read.detail)
  const { server, asked } = await startDnsServer((name) => ANSWERS[name] ?? 'no such name')
  const names = new NameResolver({ servers: [server], hosts: '10.0.0.7 hosts.example' })
  onTestFinished(() => names.close())
  return { verdict: await judgeTarget(read.url, rules, names, 200), asked }
}

test.each([
  ['http://2130706433/', 'leads to a loopback address'],
  ['http://017700000001/', 'leads to a loopback address'],
  ['http://0177.0.0.1/', 'leads to a loopback address'],
  ['http://0x7f.1/', 'leads to a loopback address'],
  ['http://127.1/', 'leads to a loopback address'],
  ['http://127.0.0.1./', 'leads to a loopback address'],
  ['http://①②⑦.0.0.1/', 'leads to a loopback address'],
  ['http://[::1]/', 'leads to a loopback address'],
  ['http://[::ffff:127.0.0.1]/', 'leads to a loopback address'],
  ['http://[::127.0.0.1]/', 'leads to an IPv6 address that stands for an IPv4 address'],
  ['http://[64:ff9b::127.0.0.1]/', 'leads to an IPv6 address that stands for an IPv4 address'],
  ['http://0/', 'leads to a reserved address'],
  ['http://169.254.169.254/latest/meta-data/', 'leads to a link-local or metadata address'],
  ['http://[fd00:ec2::254]/', 'leads to a link-local or metadata address'],
  ['http://localhost/', 'leads to a loopback address'],
  ['http://LOCALHOST./', 'leads to a loopback address'],
  ['http://foo.localhost/', 'leads to a loopback address'],
  ['http://foo.bar.localhost./', 'leads to a loopback address'],
])('%s is forbidden without look-up: it %s', async (text, detail) => {
  const { verdict, asked } = await judge(text)
  expect(verdict).toEqual({ verdict: 'forbidden', detail })
  expect(asked.size).toBe(0)
})

test.each([
  ['https://private.example/', 'leads to a private address'],
  ['https://PRIVATE.example./', 'leads to a private address'],
  ['https://metadata.example/', 'leads to a link-local or metadata address'],
  ['https://six.example/', 'leads to a loopback address'],
  ['https://ten.example/', 'leads to a private address'],
  ['https://bücher.example/', 'leads to a loopback address'],
  ['https://hosts.example/', 'leads to a private address'],
])('%s is forbidden by what it resolves to: it %s', async (text, detail) => {
  expect((await judge(text)).verdict).toEqual({ verdict: 'forbidden', detail })
})

test.each(['public.example', 'nothing.example', 'none.example', 'hang.example', 'broken.example'])(
  'https://%s/ is permitted at its submission',
  async (host) => {
    expect((await judge(`https://${host}/`)).verdict).toEqual({ verdict: 'permitted' })
  },
)

test('where https is required, plain http is left to opened addresses', async () => {
  const NOT_HTTPS = { verdict: 'forbidden', detail: 'must be an https URL' }
  const strict = rulesOf('10.0.0.0/8', true)
  expect((await judge('http://public.example/', strict)).verdict).toEqual(NOT_HTTPS)
  expect((await judge('http://private.example/', strict)).verdict).toEqual({ verdict: 'permitted' })
  expect((await judge('https://public.example/', strict)).verdict).toEqual({ verdict: 'permitted' })
  expect((await judge('http://none.example/', strict)).verdict).toEqual({ verdict: 'permitted' })
  expect((await judge('http://none.example/', rulesOf('', true))).verdict).toEqual(NOT_HTTPS)
  expect(judgeAddresses('http:', ['10.0.0.1', '93.184.216.34'], strict)).toEqual(NOT_HTTPS)
})

test('localhost is those loopback addresses that are opened', async () => {
  const names = new NameResolver({ servers: [], hosts: '' })
  const addressesOf = async (ranges: string) => {
    const resolution = await resolveHost('foo.localhost', rulesOf(ranges), names, 1)
    return resolution.outcome === 'addresses' ? resolution.addresses : []
  }
  expect(await addressesOf('')).toEqual(['127.0.0.1', '::1'])
  expect(await addressesOf('127.0.0.0/8')).toEqual(['127.0.0.1'])
  expect(await addressesOf('127.0.0.0/8,::1/128')).toEqual(['127.0.0.1', '::1'])
  expect((await judge('http://localhost:8080/', rulesOf('127.0.0.0/8'))).verdict).toEqual({
    verdict: 'permitted',
  })
})

test('faulty ranges are told with the name of their setting', () => {
  expect(
    readTargetRules({ CALLBACK_ALLOW_CIDRS: 'here,169.254.169.254', CALLBACK_REQUIRE_HTTPS: false }),
  ).toEqual({
    outcome: 'faulty',
    faults: [
      'CALLBACK_ALLOW_CIDRS: here is not a range of addresses such as 10.0.0.0/8 or fd00::/8',
      'CALLBACK_ALLOW_CIDRS: 169.254.169.254 is a link-local or metadata range, which cannot be opened',
    ],
  })
})
