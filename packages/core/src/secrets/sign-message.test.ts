import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { verifyAsync } from '@noble/ed25519'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { type Message, type SignatureHeaders, signMessage } from './sign-message.ts'

const MESSAGE: Message = {
  id: 'dlv_0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
  timestampMs: Date.now(),
  body: '{"type":"task.completed","customer":"Zoë 山田 🚗"}',
}
const [SECRET, OLD_SECRET] = [randomBytes(32), randomBytes(32)]
const [PAIR, OLD_PAIR] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
const KEYS = {
  secrets: [SECRET, OLD_SECRET].map((secret) => createSecretKey(secret)),
  privateKeys: [PAIR, OLD_PAIR].map(({ privateKey }) => privateKey),
}

const whsec = (secret: Buffer) => `whsec_${secret.toString('base64')}`
const verify = (secret: Buffer, headers: SignatureHeaders, body = MESSAGE.body) =>
  new Webhook(whsec(secret)).verify(body, { ...headers })
const signaturesOf = (headers: SignatureHeaders, version: string) =>
  headers['webhook-signature']
    .split(' ')
    .filter((signature) => signature.startsWith(`${version},`))
    .map((signature) => Buffer.from(signature.slice(version.length + 1), 'base64'))

describe('a signed message', () => {
  test('is verified by the standardwebhooks package, with either secret', async () => {
    const headers = await signMessage(MESSAGE, KEYS)
    expect(verify(SECRET, headers)).toEqual(JSON.parse(MESSAGE.body))
    expect(verify(OLD_SECRET, headers)).toEqual(JSON.parse(MESSAGE.body))
    expect(() => verify(randomBytes(32), headers)).toThrow(/No matching signature/)
  })

  test('is verified by another implementation of Ed25519, with either public key', async () => {
    const headers = await signMessage(MESSAGE, KEYS)
    const signed = Buffer.from(`${MESSAGE.id}.${headers['webhook-timestamp']}.${MESSAGE.body}`)
    const signatures = signaturesOf(headers, 'v1a')
    expect(signatures).toHaveLength(2)
    for (const [at, { publicKey }] of [PAIR, OLD_PAIR].entries()) {
      const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
      expect(await verifyAsync(signatures[at]!, signed, raw)).toBe(true)
      expect(await verifyAsync(signatures[1 - at]!, signed, raw)).toBe(false)
    }
  })

  test.each([
    ['body', (headers: SignatureHeaders) => verify(SECRET, headers, `${MESSAGE.body} `)],
    ['id', (headers: SignatureHeaders) => verify(SECRET, { ...headers, 'webhook-id': 'dlv_1' })],
    [
      'timestamp',
      (headers: SignatureHeaders) =>
        verify(SECRET, {
          ...headers,
          'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1),
        }),
    ],
  ])('is not verified with another %s', async (_, verifyOther) => {
    const headers = await signMessage(MESSAGE, KEYS)
    expect(() => verifyOther(headers)).toThrow(/No matching signature/)
  })

  test('has the second that its argument falls in, and one signature a key, newest first', async () => {
    const headers = await signMessage({ ...MESSAGE, timestampMs: 1_763_678_400_999 }, KEYS)
    expect(headers['webhook-timestamp']).toBe('1763678400')
    expect(headers['webhook-id']).toBe(MESSAGE.id)
    expect(headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44} v1a,\S{88} v1a,\S{88}$/)
    const alone = await signMessage(
      { ...MESSAGE, timestampMs: 1_763_678_400_000 },
      { secrets: KEYS.secrets.slice(0, 1), privateKeys: [] },
    )
    expect(headers['webhook-signature'].startsWith(`${alone['webhook-signature']} `)).toBe(true)
  })

  // Test vectors of standard-webhooks' own libraries.
  test('is as the specification has it', async () => {
    const secret = createSecretKey(Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64'))
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestampMs: 1_614_265_330_000,
      body: '{"test": 2432232314}',
    }
    const headers = await signMessage(message, { secrets: [secret], privateKeys: [] })
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })
})
