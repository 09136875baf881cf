import { expect, onTestFinished, test } from 'vitest'
import { type DnsAnswer, startDnsServer } from '../testing/dns-server.ts'
import { NameResolver, type NameResolverOptions } from './name-resolver.ts'

/** Longer than anything here takes. */
const LONG_MS = 10_000

async function resolver(
  answer: (name: string, times: number) => DnsAnswer,
  options: NameResolverOptions = {},
) {
  const { server, asked } = await startDnsServer(answer)
  const names = new NameResolver({ servers: [server], hosts: '', ...options })
  onTestFinished(() => names.close())
  return { names, asked }
}

test('a name has its addresses of both families, those of IPv4 first', async () => {
  const { names } = await resolver(() => ['2001:db8::1', '192.0.2.1', '192.0.2.2'])
  const resolution = await names.resolve('shop.example', LONG_MS)
  expect(resolution).toEqual({ outcome: 'addresses', addresses: expect.any(Array) })
  const { addresses } = resolution as { addresses: string[] }
  expect(addresses.slice(0, 2).sort()).toEqual(['192.0.2.1', '192.0.2.2'])
  expect(addresses.slice(2)).toEqual(['2001:db8::1'])
})

test('a name that does not exist, and one without addresses, is unknown', async () => {
  const { names } = await resolver((name) => (name === 'none.example' ? 'no such name' : []))
  for (const name of ['none.example', 'empty.example', 'double..dot', 'a'.repeat(70)]) {
    expect(await names.resolve(name, LONG_MS), name).toEqual({ outcome: 'unknown' })
  }
})

test('a failing server leaves a name unanswered', async () => {
  const { names } = await resolver(() => 'failure')
  expect(await names.resolve('shop.example', LONG_MS)).toEqual({ outcome: 'unanswered' })
})

test('names that hang end by themselves, and delay no other', async () => {
  const { names } = await resolver((name) => (name.startsWith('hang') ? 'silence' : ['192.0.2.1']), {
    askAgainMs: 250,
  })
  const ended: string[] = []
  const hanging = Array.from({ length: 100 }, async (_, n) => {
    const resolution = await names.resolve(`hang${n}.example`, LONG_MS)
    ended.push('hanging')
    return resolution
  })
  for (let n = 0; n < 20; n += 1) {
    const resolution = await names.resolve(`healthy${n}.example`, LONG_MS)
    expect(resolution).toEqual({ outcome: 'addresses', addresses: ['192.0.2.1'] })
  }
  expect(ended).toEqual([])
  for (const resolution of await Promise.all(hanging)) expect(resolution).toEqual({ outcome: 'unanswered' })
})

test('who asks waits no longer than it said', async () => {
  const { names } = await resolver(() => 'silence')
  expect(await names.resolve('hang.example', 1)).toEqual({ outcome: 'unanswered' })
})

test('a packet that is lost is sent again', async () => {
  const { names } = await resolver((_, times) => (times === 1 ? 'silence' : ['192.0.2.1']), {
    askAgainMs: 250,
  })
  expect(await names.resolve('shop.example', LONG_MS)).toMatchObject({ addresses: ['192.0.2.1'] })
})

test('those who ask for a name at the same time share its look-up; who asks later asks anew', async () => {
  const { names, asked } = await resolver(() => ['192.0.2.1'])
  await Promise.all(Array.from({ length: 10 }, () => names.resolve('shop.example', LONG_MS)))
  expect(asked.get('shop.example')).toBe(1)
  await names.resolve('shop.example', LONG_MS)
  expect(asked.get('shop.example')).toBe(2)
})

test('one name more than may be looked up at a time is unanswered at once', async () => {
  const { names, asked } = await resolver(() => 'silence', { mostAtOnce: 2, askAgainMs: 250 })
  const two = ['one.example', 'two.example'].map((name) => names.resolve(name, LONG_MS))
  expect(await names.resolve('three.example', LONG_MS)).toEqual({ outcome: 'unanswered' })
  await Promise.all(two)
  expect(asked.has('three.example')).toBe(false)
})

test('close ends what is under way', async () => {
  const { names } = await resolver(() => 'silence', { askAgainMs: LONG_MS })
  const asking = names.resolve('hang.example', LONG_MS)
  names.close()
  expect(await asking).toEqual({ outcome: 'unanswered' })
})

test('the hosts file goes before DNS', async () => {
  const { names, asked } = await resolver(() => ['192.0.2.1'], { hosts: '10.0.0.7 shop.example' })
  expect(await names.resolve('shop.example', LONG_MS)).toMatchObject({ addresses: ['10.0.0.7'] })
  expect(asked.size).toBe(0)
})
