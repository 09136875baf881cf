import { randomBytes } from 'node:crypto'
import { InstallationKeys, openSealer, Scripts, SECRETS_REMEMBERED_MS } from '@accepted/core'
import { createLocalJWKSet, FlattenedSign, flattenedVerify, type JSONWebKeySet } from 'jose'
import { afterEach, expect, test, vi } from 'vitest'
import { testApp } from '../testing/index.ts'

const PATH = '/.well-known/jwks.json'
const SECRETS_KEY = randomBytes(32).toString('base64')

/** An API, and the keys of its installation as another process has them. */
async function scene() {
  const { ask, redis, prefix } = await testApp({ SECRETS_KEY })
  const sealer = (await openSealer({ SECRETS_KEY }, 'do without'))!
  return { ask, keys: new InstallationKeys(new Scripts(redis, prefix, null), sealer) }
}

afterEach(() => {
  vi.useRealTimers()
})

test('the public keys are a JWK Set that jose verifies by, without anything private', async () => {
  const { ask, keys } = await scene()
  const answer = await ask(PATH)
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  const jwks = answer.json<JSONWebKeySet>()
  expect(jwks.keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x']])
  const { privateKey, publicJwk } = (await keys.all())[0]!
  const jws = await new FlattenedSign(Buffer.from('signed'))
    .setProtectedHeader({ alg: 'EdDSA', kid: publicJwk.kid })
    .sign(privateKey)
  await flattenedVerify(jws, createLocalJWKSet(jwks))
})

test('the keys may be cached, and are not sent again to who has them', async () => {
  const { ask } = await scene()
  const { headers } = await ask(PATH)
  expect(headers['cache-control']).toBe('public, max-age=300')
  const again = await ask({ url: PATH, headers: { 'if-none-match': headers.etag as string } })
  expect([again.statusCode, again.body]).toEqual([304, ''])
})

test('during a rotation there are two keys, and another ETag', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { ask, keys } = await scene()
  const before = await ask(PATH)
  const rotated = await keys.rotate()
  vi.advanceTimersByTime(SECRETS_REMEMBERED_MS)
  const after = await ask({ url: PATH, headers: { 'if-none-match': before.headers.etag as string } })
  expect(after.statusCode).toBe(200)
  expect(after.json()).toEqual({ keys: rotated.map(({ publicJwk }) => publicJwk) })
})

test('without a key to seal them with there are none', async () => {
  const { ask, redis, prefix } = await testApp({ SECRETS_KEY: '' })
  expect((await ask(PATH)).json()).toEqual({ keys: [] })
  expect(await redis.keys(`${prefix}:{secrets}:*`)).toEqual([])
})

test('with another key than they were sealed with they are a fault of the service, and nothing is told of it', async () => {
  const { ask, redis, prefix } = await testApp({ SECRETS_KEY })
  const stranger = (await openSealer({ SECRETS_KEY: '7'.repeat(64) }, 'do without'))!
  await new InstallationKeys(new Scripts(redis, prefix, null), stranger).all()
  const answer = await ask(PATH)
  expect([answer.statusCode, answer.json().code]).toEqual([500, 'internal'])
  expect(answer.body).not.toMatch(/SECRETS_KEY|seal/)
})
