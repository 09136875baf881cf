import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates, type TlsOptions } from 'node:tls'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Identity, makeCertificate } from './testing/certificates.ts'
import { type Receiver, respond, startReceiver } from './testing/receiver.ts'
import { sending } from './testing/sending.ts'
import { readTlsContext, type TlsPaths } from './tls-context.ts'

const OK = respond('200 OK')
const DAY_MS = 86_400_000

let folder: string
let authority: Identity
let shop: Identity
let client: Identity

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'accepted-tls-'))
  authority = await makeCertificate('Private Authority', { isAuthority: true })
  shop = await makeCertificate('shop', { by: authority, hosts: ['shop.example'] })
  client = await makeCertificate('accepted', { by: authority })
  const files = {
    'ca.pem': authority.cert,
    'client.pem': `${client.cert}\n${authority.cert}`,
    'client.key': client.key,
    'other.key': shop.key,
    'encrypted.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
    'damaged.pem': client.cert.replace(/\n[\w+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA'),
    'damaged.key': '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
    'empty.pem': '',
  }
  await mkdir(join(folder, 'folder'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
})

afterAll(() => rm(folder, { recursive: true }))

function pathsOf(paths: TlsPaths): TlsPaths {
  return Object.fromEntries(Object.entries(paths).map(([name, file]) => [name, join(folder, file!)]))
}

function faultsOf(paths: TlsPaths): string[] {
  const read = readTlsContext(pathsOf(paths))
  return read.outcome === 'faulty' ? read.faults.map((fault) => fault.replaceAll(`${folder}/`, '')) : []
}

test('nothing set is no fault, empty paths neither', () => {
  expect(readTlsContext({}).outcome).toBe('context')
  expect(readTlsContext({ certPath: '', keyPath: '', caPath: '' }).outcome).toBe('context')
})

test.each<[TlsPaths, string[]]>([
  [{ caPath: 'none.pem' }, ['CALLBACK_TLS_CA=none.pem: cannot be read (ENOENT)']],
  [{ caPath: 'folder' }, ['CALLBACK_TLS_CA=folder: cannot be read (EISDIR)']],
  [{ caPath: 'empty.pem' }, ['CALLBACK_TLS_CA=empty.pem: holds no certificate in PEM']],
  [{ caPath: 'client.key' }, ['CALLBACK_TLS_CA=client.key: holds no certificate in PEM']],
  [{ caPath: 'damaged.pem' }, ['CALLBACK_TLS_CA=damaged.pem: is damaged']],
  [{ certPath: 'client.pem' }, ['CALLBACK_TLS_CERT: needs CALLBACK_TLS_KEY, its private key']],
  [{ keyPath: 'client.key' }, ['CALLBACK_TLS_KEY: needs CALLBACK_TLS_CERT, its certificate']],
  [
    { certPath: 'client.pem', keyPath: 'other.key' },
    ['CALLBACK_TLS_KEY=other.key: is not the key of the certificate in CALLBACK_TLS_CERT'],
  ],
  [
    { certPath: 'client.pem', keyPath: 'encrypted.key' },
    ['CALLBACK_TLS_KEY=encrypted.key: is encrypted; a key without a passphrase is needed'],
  ],
  [
    { certPath: 'client.key', keyPath: 'client.pem', caPath: 'none.pem' },
    [
      'CALLBACK_TLS_CERT=client.key: holds no certificate in PEM',
      'CALLBACK_TLS_KEY=client.pem: holds no private key in PEM',
      'CALLBACK_TLS_CA=none.pem: cannot be read (ENOENT)',
    ],
  ],
  [{ certPath: 'client.pem', keyPath: 'damaged.key' }, ['CALLBACK_TLS_KEY=damaged.key: is damaged']],
])('%j is told in words', (paths, faults) => {
  expect(faultsOf(paths)).toEqual(faults)
})

/** Sends to an https receiver of the name `shop.example`. */
async function sendTo(server: TlsOptions, paths: TlsPaths) {
  const receiver: Receiver = await startReceiver(OK, { tls: server })
  const read = readTlsContext(pathsOf(paths))
  if (read.outcome === 'faulty') throw new Error(read.faults.join('; '))
  const { send, expectNothingLeft } = await sending({ tls: read.context, answer: () => ['127.0.0.1'] })
  const outcome = await send(`https://shop.example:${receiver.port}/`)
  await expectNothingLeft(receiver)
  return { outcome, receiver }
}

test('a receiver whose certificate is from a private authority is trusted if the authority is', async () => {
  expect((await sendTo(shop, { caPath: 'ca.pem' })).outcome).toMatchObject({ outcome: 'delivered' })
  const { outcome, receiver } = await sendTo(shop, {})
  expect(outcome).toMatchObject({
    outcome: 'failed',
    error: 'the TLS certificate is not from a known authority',
  })
  expect(receiver.requests).toEqual([])
})

test('private authorities come besides the public ones', async () => {
  const publicOnes = getCACertificates('default')
  const another = await makeCertificate('Public Authority', { isAuthority: true })
  setDefaultCACertificates([...publicOnes, another.cert])
  onTestFinished(() => setDefaultCACertificates(publicOnes))
  const identity = await makeCertificate('shop', { by: another, hosts: ['shop.example'] })
  for (const server of [identity, shop]) {
    expect((await sendTo(server, { caPath: 'ca.pem' })).outcome).toMatchObject({ outcome: 'delivered' })
  }
})

test.each([
  ['has expired', { notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) }],
  [
    'is not valid yet',
    { notBefore: new Date(Date.now() + DAY_MS), notAfter: new Date(Date.now() + 2 * DAY_MS) },
  ],
  ['is for another host', { hosts: ['other.example'] }],
])('a certificate that %s is told, and nothing is sent', async (words, options) => {
  const identity = await makeCertificate('bad', { by: authority, hosts: ['shop.example'], ...options })
  const { outcome, receiver } = await sendTo(identity, { caPath: 'ca.pem' })
  expect(outcome).toMatchObject({ outcome: 'failed', error: `the TLS certificate ${words}` })
  expect(receiver.requests).toEqual([])
})

test('a certificate that was refused once is refused again on the next connection', async () => {
  const identity = await makeCertificate('bad', { by: authority, hosts: ['other.example'] })
  const receiver = await startReceiver(OK, { tls: { ...identity, maxVersion: 'TLSv1.2' } })
  const read = readTlsContext(pathsOf({ caPath: 'ca.pem' }))
  if (read.outcome === 'faulty') throw new Error(read.faults.join('; '))
  const { send } = await sending({ tls: read.context, answer: () => ['127.0.0.1'] })
  for (let n = 0; n < 3; n += 1) {
    expect(await send(`https://shop.example:${receiver.port}/`)).toMatchObject({ outcome: 'failed' })
  }
  expect(receiver.requests).toEqual([])
})

test('a certificate that signs itself is not from a known authority', async () => {
  const identity = await makeCertificate('self', { hosts: ['shop.example'] })
  expect((await sendTo(identity, { caPath: 'ca.pem' })).outcome).toMatchObject({
    outcome: 'failed',
    error: 'the TLS certificate is not from a known authority',
  })
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a receiver that asks for a client certificate is shown ours, if we have one (%s)',
  async (version) => {
    const server: TlsOptions = {
      ...shop,
      ca: authority.cert,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: version,
      maxVersion: version,
    }
    const paths = { certPath: 'client.pem', keyPath: 'client.key', caPath: 'ca.pem' }
    expect((await sendTo(server, paths)).outcome).toMatchObject({ outcome: 'delivered' })
    const { outcome, receiver } = await sendTo(server, { caPath: 'ca.pem' })
    expect(outcome).toMatchObject({ outcome: 'failed' })
    expect(receiver.requests).toEqual([])
  },
)

test('https to a receiver that speaks http, and one that never shakes hands, fails in words', async () => {
  const plain = await startReceiver(OK)
  const greeting = await startReceiver(() => undefined, { greeting: 'HTTP/1.1 400 Bad Request\r\n\r\n' })
  const { send, expectNothingLeft } = await sending({ connectTimeoutMs: 200 })
  expect(await send(`https://127.0.0.1:${greeting.port}/`)).toMatchObject({
    outcome: 'failed',
    error: 'the TLS handshake failed',
  })
  expect(await send(`https://127.0.0.1:${plain.port}/`)).toMatchObject({
    outcome: 'failed',
    error: 'could not connect in time',
  })
  await expectNothingLeft(plain, greeting)
})

test('to connect may take five seconds, the TLS handshake included', async () => {
  const silent = await startReceiver(() => undefined)
  const { send } = await sending()
  const outcome = await send(`https://127.0.0.1:${silent.port}/`, { timeoutMs: 15_000 })
  expect(outcome).toMatchObject({ outcome: 'failed', error: 'could not connect in time', quick: false })
  expect(Math.round(outcome.durationMs / 1000)).toBeGreaterThanOrEqual(5)
  expect(outcome.durationMs).toBeLessThan(8_000)
}, 15_000)
