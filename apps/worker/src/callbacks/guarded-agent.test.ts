import { judgeTarget, type TargetRules } from '@accepted/core'
import { expect, test, vi } from 'vitest'
import { respond, startReceiver } from './testing/receiver.ts'
import { rulesOf, sending } from './testing/sending.ts'

const OK = respond('200 OK')
/** Each message has a connection of its own, and so a look-up. */
const OK_ONCE = respond('200 OK', 'connection: close\r\n')

const LOOPBACK = 'leads to a loopback address'
const CARRIED = 'leads to an IPv6 address that stands for an IPv4 address'
const METADATA = 'leads to a link-local or metadata address'

test.each([
  ['127.0.0.1', LOOPBACK],
  ['2130706433', LOOPBACK],
  ['017700000001', LOOPBACK],
  ['0177.0.0.1', LOOPBACK],
  ['0x7f.1', LOOPBACK],
  ['0x7f000001', LOOPBACK],
  ['127.1', LOOPBACK],
  ['127.0.0.1.', LOOPBACK],
  ['①②⑦.0.0.1', LOOPBACK],
  ['%31%32%37.0.0.1', LOOPBACK],
  ['[::1]', LOOPBACK],
  ['[::ffff:127.0.0.1]', LOOPBACK],
  ['[::ffff:7f00:1]', LOOPBACK],
  ['[::127.0.0.1]', CARRIED],
  ['[64:ff9b::127.0.0.1]', CARRIED],
  ['[64:ff9b:1::127.0.0.1]', CARRIED],
  ['[2002:7f00:1::]', CARRIED],
  ['0', 'leads to a reserved address'],
  ['[::]', 'leads to a reserved address'],
  ['169.254.169.254', METADATA],
  ['168.63.129.16', METADATA],
  ['[fd00:ec2::254]', METADATA],
  ['localhost', LOOPBACK],
  ['localhost.', LOOPBACK],
  ['LOCALHOST', LOOPBACK],
  ['foo.localhost', LOOPBACK],
  ['private.example', LOOPBACK],
  ['private.example.', LOOPBACK],
  ['bücher.example', LOOPBACK],
  ['six.example', LOOPBACK],
  ['mapped.example', LOOPBACK],
  ['compatible.example', CARRIED],
  ['nat64.example', CARRIED],
  ['metadata.example', METADATA],
  ['ten.example', LOOPBACK],
])('a message to %s is forbidden before anything is connected: it %s', async (host, error) => {
  const receiver = await startReceiver(OK)
  const answers: Record<string, string[]> = {
    'private.example': ['127.0.0.1'],
    'xn--bcher-kva.example': ['127.0.0.1'],
    'six.example': ['::1'],
    'mapped.example': ['::ffff:127.0.0.1'],
    'compatible.example': ['::7f00:1'],
    'nat64.example': ['64:ff9b::7f00:1'],
    'metadata.example': ['169.254.169.254'],
    'ten.example': [...Array.from({ length: 9 }, (_, n) => `93.184.216.${n + 1}`), '127.0.0.1'],
  }
  const { send, agent, expectNothingLeft } = await sending({
    ranges: '',
    answer: (name) => answers[name] ?? 'no such name',
  })
  for (const scheme of ['http', 'https']) {
    expect(await send(`${scheme}://${host}:${receiver.port}/`)).toEqual({
      outcome: 'forbidden',
      error,
      durationMs: expect.any(Number),
    })
  }
  expect(receiver.accepted).toBe(0)
  await expect.poll(() => agent.connections).toBe(0)
  await expectNothingLeft(receiver)
})

test('a name that was public when it was submitted is judged again when it is connected to', async () => {
  const receiver = await startReceiver(OK)
  const { send, names } = await sending({
    ranges: '',
    answer: (_, times) => (times === 1 ? ['93.184.216.34'] : ['127.0.0.1']),
  })
  const url = new URL(`http://rebinding.example:${receiver.port}/`)
  expect(await judgeTarget(url, rulesOf(''), names, 1_000)).toEqual({ verdict: 'permitted' })
  expect(await send(url.href)).toMatchObject({ outcome: 'forbidden', error: LOOPBACK })
  expect(receiver.accepted).toBe(0)
})

test('a name is judged anew at every connection', async () => {
  const receiver = await startReceiver(OK_ONCE, { host: '0.0.0.0' })
  const { send } = await sending({
    ranges: '127.0.0.2/32',
    answer: (_, times) => (times % 2 === 1 ? ['127.0.0.2'] : ['127.0.0.1']),
  })
  const outcomes: string[] = []
  for (let n = 0; n < 4; n += 1) {
    outcomes.push((await send(`http://rebinding.example:${receiver.port}/`)).outcome)
  }
  expect(outcomes).toEqual(['delivered', 'forbidden', 'delivered', 'forbidden'])
  expect(receiver.accepted).toBe(2)
})

test('a connection that led elsewhere than its look-up said is ended before a byte is sent', async () => {
  let judged = 0
  // As if what was looked up had been good.
  const rules: TargetRules = {
    requireHttps: false,
    get opened() {
      judged += 1
      return judged === 1 ? rulesOf('127.0.0.1').opened : []
    },
  }
  for (const scheme of ['http', 'https']) {
    judged = 0
    const receiver = await startReceiver(() => undefined)
    const { send, expectNothingLeft } = await sending({ rules })
    expect(await send(`${scheme}://127.0.0.1:${receiver.port}/`)).toMatchObject({
      outcome: 'forbidden',
      error: LOOPBACK,
    })
    await expectNothingLeft(receiver)
    expect(receiver.accepted).toBe(1)
    expect(receiver.bytesRead).toBe(0)
  }
})

test('opened addresses are permitted, by literal and by name', async () => {
  const receiver = await startReceiver(OK)
  const { send } = await sending({ ranges: '127.0.0.0/8', answer: () => ['127.0.0.1'] })
  for (const host of [
    '127.0.0.1',
    '2130706433',
    '[::ffff:127.0.0.1]',
    'localhost',
    'a.localhost',
    'shop.example',
  ]) {
    expect(await send(`http://${host}:${receiver.port}/`), host).toMatchObject({ outcome: 'delivered' })
  }
})

test('of several addresses the next is tried when one does not answer', async () => {
  const receiver = await startReceiver(OK)
  const { send } = await sending({ answer: () => ['127.0.0.3', '127.0.0.1'] })
  expect(await send(`http://shop.example:${receiver.port}/`)).toMatchObject({ outcome: 'delivered' })
})

test('where https is required, a message over http goes to opened addresses only', async () => {
  const receiver = await startReceiver(OK)
  const { send } = await sending({
    rules: rulesOf('127.0.0.0/8', true),
    answer: () => ['93.184.216.34'],
  })
  expect(await send(`http://127.0.0.1:${receiver.port}/`)).toMatchObject({ outcome: 'delivered' })
  expect(await send(`http://shop.example:${receiver.port}/`)).toMatchObject({
    outcome: 'forbidden',
    error: 'must be an https URL',
  })
})

test('a proxy of the environment is never used', async () => {
  const proxy = await startReceiver(OK)
  const receiver = await startReceiver(OK)
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy']) {
    vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`)
  }
  vi.stubEnv('NODE_USE_ENV_PROXY', '1')
  const { send } = await sending()
  expect(await send(`http://127.0.0.1:${receiver.port}/`)).toMatchObject({ outcome: 'delivered' })
  vi.unstubAllEnvs()
  expect(proxy.accepted).toBe(0)
})

test('names that hang do not delay messages to those that do not', async () => {
  const receiver = await startReceiver(OK_ONCE)
  const { send, names, expectNothingLeft } = await sending({
    answer: (name) => (name.startsWith('hang') ? 'silence' : ['127.0.0.1']),
    askAgainMs: 60_000,
    connectTimeoutMs: 60_000,
  })
  let hung = 0
  const hanging = Array.from({ length: 50 }, async (_, n) => {
    const outcome = await send(`http://hang${n}.example/`, { timeoutMs: 60_000 })
    hung += 1
    return outcome
  })
  for (let n = 0; n < 20; n += 1) {
    expect(await send(`http://healthy${n}.example:${receiver.port}/`)).toMatchObject({ outcome: 'delivered' })
  }
  expect(hung).toBe(0)
  names.close()
  for (const outcome of await Promise.all(hanging)) expect(outcome).toMatchObject({ outcome: 'failed' })
  await expectNothingLeft(receiver)
})
