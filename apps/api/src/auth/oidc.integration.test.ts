import { createHmac, generateKeyPairSync } from 'node:crypto'
import { createLog } from '@accepted/core'
import type { JWK } from 'jose'
import { expect, onTestFinished, test, vi } from 'vitest'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'
import { startTestIssuer } from '../testing/test-issuer.ts'
import { oidcCallers } from './oidc.ts'

const TERMS = { audience: 'accepted', tenantClaim: 'tenant', scopeClaim: 'scope' }
const base64 = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const nowSeconds = () => Math.floor(Date.now() / 1000)
/** What anybody can make up. */
const junk = (kid: string, alg = 'RS256') => `${base64({ alg, kid })}.${base64({})}.AAAA`

/** Stops the clock until the test is over, but not timers; what makes time pass. */
function clock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  return (ms) => void vi.advanceTimersByTime(ms)
}

test('a token of the issuer is as good as a key: tenant and scopes are its claims', async () => {
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate()
  const { ask, keys } = await testApp({ AUTH: 'keys', OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: 'accepted' })
  const as = (token: string) => ({ authorization: `Bearer ${token}` })
  const start = async (claims = {}) => ask(post('/cars', MUSTANG, as(await sign(claims))))
  const { task_id } = (await start()).json()
  const read = async (claims = {}) => ask({ url: `/tasks/${task_id}`, headers: as(await sign(claims)) })
  expect((await read()).statusCode).toBe(202)
  expectProblem(await read({ tenant: 'south' }), 404, 'not_found')
  expectProblem(await start({ scope: ['tasks:read', 7] }), 403, 'forbidden')
  expect((await start({ scope: 'operation:car.build' })).statusCode).toBe(202)
  expectProblem(await read({ scope: undefined }), 403, 'forbidden')
  const { key } = await keys.create({ tenant: 'north', scopes: ['tasks:read'] })
  expect((await ask({ url: `/tasks/${task_id}`, headers: as(key) })).statusCode).toBe(202)
  expect(issuer.asked()).toBe(1)

  const refused = await read({ exp: nowSeconds() - 60 })
  expectProblem(refused, 401, 'unauthenticated', { detail: 'The token has expired.' })
  expect(refused.headers['www-authenticate']).toContain('error="invalid_token"')
  for (const claims of [{ tenant: undefined }, { tenant: 'a b' }, { tenant: 7 }, { tenant: '' }]) {
    expectProblem(await read(claims as object), 401, 'unauthenticated')
  }
  // Longer than any is read.
  expectProblem(await read({ more: 'x'.repeat(9_000) }), 401, 'unauthenticated')
})

test('a token that is not the issuer’s, not for us, or not valid now is refused', async () => {
  const issuer = await startTestIssuer()
  const [sign, stranger] = [await issuer.rotate(), await (await startTestIssuer()).rotate()]
  const callerOf = oidcCallers({ ...TERMS, issuer: issuer.url }, createLog('test', 'silent'))
  const good = await sign()
  expect((await callerOf(good)).tenant).toBe('north')
  const [head, payload, signature] = good.split('.') as [string, string, string]
  const [jwk] = issuer.published
  const kid = jwk!.kid!
  const forged = (key: string | Buffer) => {
    const text = `${base64({ alg: 'HS256', kid })}.${payload}`
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  }
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  for (const [why, token] of Object.entries({
    'another audience': await sign({ aud: 'elsewhere' }),
    'no audience': await sign({ aud: undefined as never }),
    'another issuer': await sign({ iss: `${issuer.url}/` }),
    expired: await sign({ exp: nowSeconds() - 31 }),
    'never expires': await sign({ exp: undefined as never }),
    'not yet valid': await sign({ nbf: nowSeconds() + 60 }),
    'a key of somebody else, under our name': await stranger({ iss: issuer.url }, { kid }),
    'an unknown key': await sign({}, { kid: 'another' }),
    'no signature': `${base64({ alg: 'none' })}.${payload}.`,
    'no signature, with a kid': `${base64({ alg: 'none', kid })}.${payload}.${signature}`,
    'the public key as a shared secret': forged(JSON.stringify(jwk)),
    'its modulus as a shared secret': forged(Buffer.from(jwk!.n!, 'base64url')),
    'other claims': `${head}.${base64({ ...claims, tenant: 'south' })}.${signature}`,
    'a critical extension': `${base64({ alg: 'RS256', kid, crit: ['x'], x: 1 })}.${payload}.${signature}`,
    'no JSON': `${base64('{')}.${payload}.${signature}`,
    nothing: '..',
  })) {
    const error = await callerOf(token).catch((fault) => fault)
    expect(error, why).toMatchObject({ name: 'ProblemError', code: 'unauthenticated' })
  }
  // Clocks may differ a little.
  expect((await callerOf(await sign({ exp: nowSeconds() - 5, nbf: nowSeconds() + 5 }))).holds()).toBe(true)
})

test('a key that is too short, and a subject that is no text, are refused as tokens', async () => {
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate()
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey.export({ format: 'jwk' })
  issuer.published.push({ ...(short as JWK), kid: 'short' })
  const callerOf = oidcCallers({ ...TERMS, issuer: issuer.url }, createLog('test', 'silent'))
  await expect(callerOf(junk('short'))).rejects.toMatchObject({ code: 'unauthenticated' })
  for (const sub of [{ toString: 1 }, { a: 1 }, ['somebody'], 7, null]) {
    const token = await sign({ sub: sub as never })
    await expect(callerOf(token), JSON.stringify(sub)).rejects.toMatchObject({ code: 'unauthenticated' })
  }
  expect((await callerOf(await sign({ sub: undefined as never }))).name).toBe(issuer.url)
})

test.each(['ES256', 'PS256', 'Ed25519'])('keys of %s are taken', async (alg) => {
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate(alg)
  const callerOf = oidcCallers({ ...TERMS, issuer: issuer.url }, createLog('test', 'silent'))
  expect((await callerOf(await sign())).may('tasks:write')).toBe(true)
})

test('the issuer may rotate its keys; unknown ones do not make it be asked each time', async () => {
  const passMs = clock()
  const issuer = await startTestIssuer()
  const old = await issuer.rotate()
  const callerOf = oidcCallers({ ...TERMS, issuer: issuer.url }, createLog('test', 'silent'))
  await callerOf(await old())
  const unknown = await old({}, { kid: 'another' })
  for (let n = 0; n < 20; n += 1) await expect(callerOf(unknown)).rejects.toThrow()
  expect(issuer.asked()).toBe(1)
  const fresh = await issuer.rotate('ES256', { instead: true })
  passMs(30_001)
  expect((await callerOf(await fresh())).tenant).toBe('north')
  await expect(callerOf(await old())).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(issuer.asked()).toBe(2)
})

test('tokens by known keys are judged while others make the issuer be asked in vain, 30 s apart', async () => {
  const passMs = clock()
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate()
  const callerOf = oidcCallers({ ...TERMS, issuer: issuer.url }, createLog('test', 'silent'))
  const good = await sign()
  await callerOf(good)
  issuer.makeKeys('fail')
  passMs(30_001)
  const expectUnknown = async (after: number) => {
    const refusal = { code: 'issuer_unavailable', options: { headers: { 'retry-after': String(after) } } }
    await expect(callerOf(junk('another'))).rejects.toMatchObject(refusal)
    expect((await callerOf(good)).tenant).toBe('north')
  }
  await expectUnknown(30)
  passMs(20_000)
  await expectUnknown(10)
  expect(issuer.asked()).toBe(2)
  passMs(10_001)
  await expectUnknown(30)
  expect(issuer.asked()).toBe(3)
  // Who must ask is let alone for a second only, once no key is known.
  passMs(600_000)
  const later = await sign()
  await expect(callerOf(later)).rejects.toMatchObject({ options: { headers: { 'retry-after': '1' } } })
  issuer.makeKeys('told')
  passMs(1_001)
  expect((await callerOf(later)).tenant).toBe('north')
})

test('a published key that cannot be used is a fault of tokens that name it only', async () => {
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate()
  issuer.published.push(
    { kty: 'RSA', kid: 'no-modulus' },
    { kty: 'EC', crv: 'P-256', kid: 'nowhere', x: 'AA', y: 'AA' },
  )
  const callerOf = oidcCallers({ ...TERMS, issuer: issuer.url }, createLog('test', 'silent'))
  for (const [kid, alg] of [
    ['no-modulus', 'RS256'],
    ['nowhere', 'ES256'],
  ] as const) {
    await expect(callerOf(junk(kid, alg)), kid).rejects.toMatchObject({ code: 'unauthenticated' })
    expect((await callerOf(await sign())).tenant).toBe('north')
  }
  expect(issuer.asked()).toBe(1)
})

test('while the issuer is away tokens cannot be judged: 503, and good again when it is back', async () => {
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate()
  await issuer.leave()
  const { ask, keys } = await testApp({ AUTH: 'keys', OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: 'accepted' })
  const as = async () => ({ authorization: `Bearer ${await sign()}` })
  const away = await ask({ url: '/tasks', headers: await as() })
  expectProblem(away, 503, 'issuer_unavailable')
  expect(away.headers['retry-after']).toBe('1')
  const { key } = await keys.create({ tenant: 'north', scopes: ['tasks:read'] })
  expect((await ask({ url: '/tasks', headers: { authorization: `Bearer ${key}` } })).statusCode).toBe(200)
  await issuer.comeBack()
  await expect
    .poll(async () => (await ask({ url: '/tasks', headers: await as() })).statusCode, { timeout: 10_000 })
    .toBe(200)
})

test('the log says once that the issuer does not answer, however many wait; who has a known key does not wait', async () => {
  const passMs = clock()
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate()
  const lines: string[] = []
  const log = createLog('test', 'error', { write: (line) => void lines.push(line) })
  const callerOf = oidcCallers({ ...TERMS, issuer: issuer.url }, log)
  const good = await sign()
  await callerOf(good)
  issuer.makeKeys('hang')
  passMs(30_001)
  const unknown = Array.from({ length: 200 }, () => callerOf(junk('another')).catch(({ code }) => code))
  await expect.poll(issuer.asked).toBe(2)
  expect((await callerOf(good)).tenant).toBe('north')
  expect(lines).toEqual([])
  await issuer.leave()
  expect(new Set(await Promise.all(unknown))).toEqual(new Set(['issuer_unavailable']))
  expect(lines).toHaveLength(1)
})

test.each([30_001, 600_001])(
  'keys that have moved are found when they are asked for again, %i ms later',
  async (ms) => {
    const passMs = clock()
    const issuer = await startTestIssuer()
    const old = await issuer.rotate()
    const callerOf = oidcCallers({ ...TERMS, issuer: issuer.url }, createLog('test', 'silent'))
    await callerOf(await old())
    issuer.moveKeys('/moved')
    const sign = await issuer.rotate('ES256', { instead: true })
    passMs(ms)
    expect((await callerOf(await sign())).tenant).toBe('north')
  },
)

test('a configuration that is another issuer’s is not taken', async () => {
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate()
  issuer.rename('https://other.example')
  const callerOf = oidcCallers({ ...TERMS, issuer: issuer.url }, createLog('test', 'silent'))
  await expect(callerOf(await sign())).rejects.toMatchObject({ code: 'issuer_unavailable' })
})
