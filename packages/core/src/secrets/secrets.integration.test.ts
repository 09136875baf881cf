import { randomBytes, type webcrypto } from 'node:crypto'
import { verifyAsync } from '@noble/ed25519'
import { calculateJwkThumbprint, createLocalJWKSet, FlattenedSign, flattenedVerify, importJWK } from 'jose'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { passTime, testStore } from '../testing/index.ts'
import { CallbackSigner, SECRETS_REMEMBERED_MS } from './callback-signer.ts'
import { InstallationKeys } from './installation-keys.ts'
import { whpk } from './public-key.ts'
import { SealError, Sealer } from './sealer.ts'
import { ROTATION_OVERLAP_MS } from './secret-rings.ts'
import type { SignatureHeaders } from './sign-message.ts'
import { TenantSecrets } from './tenant-secrets.ts'

const KEY = randomBytes(32)
const BODY = '{"type":"task.completed"}'

/** Secrets of a store of their own, as one process has them; `another` is how another process has them. */
function scene(keys = [KEY]) {
  const store = testStore()
  const another = (otherKeys = keys) => {
    const sealer = new Sealer(otherKeys)
    return {
      secrets: new TenantSecrets(store.scripts, sealer),
      keys: new InstallationKeys(store.scripts, sealer),
    }
  }
  const { secrets, keys: installation } = another()
  let local = 0
  const signer = new CallbackSigner(secrets, installation, () => local)
  const sign = (tenant = 'north') =>
    store.scripts.now().then((now) => signer.sign(tenant, { id: 'dlv_1', timestampMs: now, body: BODY }))
  /** Lets the signer forget. */
  const forget = () => (local += SECRETS_REMEMBERED_MS)
  return { ...store, secrets, installation, another, sign, forget }
}

const verifies = (secret: string, headers: SignatureHeaders) => {
  try {
    new Webhook(secret).verify(BODY, { ...headers })
    return true
  } catch {
    return false
  }
}

describe('the secrets of a tenant', () => {
  test('are made when they are first asked for, and stay the same', async () => {
    const { secrets } = scene()
    const made = await secrets.of('north')
    expect(made).toEqual([
      { tenant: 'north', secret: expect.any(String), createdMs: expect.any(Number), expiresMs: null },
    ])
    const [, base64] = /^whsec_(.+)$/.exec(made[0]!.secret)!
    expect(Buffer.from(base64!, 'base64')).toHaveLength(32)
    expect(await secrets.of('north')).toEqual(made)
    expect((await secrets.of('south'))[0]!.secret).not.toBe(made[0]!.secret)
    expect(await secrets.tenants()).toEqual(['north', 'south'])
  })

  test('are the same for all processes that ask at once', async () => {
    const { another } = scene()
    const asked = await Promise.all(Array.from({ length: 20 }, () => another().secrets.of('north')))
    expect(new Set(asked.map(([held]) => held!.secret)).size).toBe(1)
  })

  test('are two during a rotation, and one when its overlap is over', async () => {
    const { secrets, ...store } = scene()
    const [old] = await secrets.of('north')
    const [fresh, going] = await secrets.rotate('north')
    expect(going).toEqual({ ...old, expiresMs: fresh!.createdMs + ROTATION_OVERLAP_MS })
    expect(fresh).toMatchObject({ tenant: 'north', expiresMs: null })
    expect(fresh!.secret).not.toBe(old!.secret)
    await passTime(store, ROTATION_OVERLAP_MS - 60_000)
    expect(await secrets.of('north')).toHaveLength(2)
    await passTime(store, 60_000)
    expect((await secrets.of('north')).map(({ secret }) => secret)).toEqual([fresh!.secret])
  })

  test('are never more than two: another rotation drops the oldest', async () => {
    const { secrets, redis, scripts } = scene()
    const [first] = await secrets.rotate('north')
    const [second] = await secrets.rotate('north')
    const [third, ...older] = await secrets.rotate('north')
    expect(older.map(({ secret }) => secret)).toEqual([second!.secret])
    expect(new Set([first, second, third].map((held) => held!.secret)).size).toBe(3)
    expect((await redis.hget(`${scripts.secretsPrefix}ring:callback`, 'north'))!.split('\n')).toHaveLength(2)
  })

  test('are all replaced at once by a rotation without overlap', async () => {
    const { secrets } = scene()
    await secrets.of('north')
    await secrets.rotate('north')
    expect(await secrets.rotate('north', 0)).toEqual([expect.objectContaining({ expiresMs: null })])
  })

  test('that have expired are not kept in Redis once anybody looks', async () => {
    const { secrets, redis, ...store } = scene()
    await secrets.of('north')
    await secrets.rotate('north', 60_000)
    await passTime({ redis, ...store }, 60_000)
    await secrets.tenants()
    const [ring] = await redis.hvals(`${store.scripts.secretsPrefix}ring:callback`)
    expect(ring!.split('\n')).toHaveLength(1)
  })
})

describe('at rest', () => {
  test('no secret or private key is in Redis, in any encoding', async () => {
    const { secrets, installation, redis, prefix } = scene()
    await secrets.of('north')
    await installation.all()
    const held = [...(await secrets.rotate('north')), ...(await secrets.of('south'))]
    const raw = held.map(({ secret }) => Buffer.from(secret.slice('whsec_'.length), 'base64'))
    for (const { privateKey } of await installation.rotate()) {
      raw.push(Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url'))
    }
    expect(raw).toHaveLength(5)
    const keys = await redis.keys(`${prefix}:*:ring:*`)
    expect(keys).toHaveLength(2)
    for (const key of keys) {
      const shapes = [await redis.dumpBuffer(key), ...(await redis.hvalsBuffer(key))]
      const decoded = shapes.flatMap((bytes) => [bytes, ...sealedParts(bytes.toString('latin1'))])
      for (const bytes of decoded) {
        for (const secret of raw) {
          expect(bytes.includes(secret)).toBe(false)
          for (const encoding of ['base64', 'base64url', 'hex'] as const)
            expect(bytes.includes(secret.toString(encoding).replace(/=+$/, ''))).toBe(false)
        }
      }
    }
  })

  test('secrets all have one hash tag, apart from that of every shard', async () => {
    const { secrets, installation, redis, prefix } = scene()
    await secrets.of('north')
    await installation.all()
    expect((await redis.keys(`${prefix}*`)).toSorted()).toEqual([
      `${prefix}:{secrets}:format`,
      `${prefix}:{secrets}:ring:callback`,
      `${prefix}:{secrets}:ring:signing`,
    ])
  })

  test('secrets do not open with another SECRETS_KEY, and nothing is made in their place', async () => {
    const { secrets, another } = scene()
    const made = await secrets.of('north')
    const stranger = another([randomBytes(32)])
    for (const act of [() => stranger.secrets.of('north'), () => stranger.secrets.rotate('north')]) {
      const error = await act().catch((fault) => fault)
      expect(error).toBeInstanceOf(SealError)
      expect(error.message).toMatch(/^SECRETS_KEY does not open the callback secret of north/)
    }
    expect(await secrets.of('north')).toEqual(made)
  })

  test('a rotation without overlap is the way out when SECRETS_KEY is lost', async () => {
    const { secrets, another } = scene()
    await secrets.of('north')
    const heir = another([randomBytes(32)]).secrets
    const rotated = await heir.rotate('north', 0)
    expect(await heir.of('north')).toEqual(rotated)
  })

  test('a secret does not open in the place of another tenant', async () => {
    const { secrets, redis, scripts } = scene()
    for (const tenant of ['north', 'south']) await secrets.of(tenant)
    const key = `${scripts.secretsPrefix}ring:callback`
    await redis.hset(key, 'north', (await redis.hget(key, 'south'))!)
    await expect(secrets.of('north')).rejects.toThrow(/was changed, or put there from another place/)
  })

  test('what is sealed anew opens without the old key, and is the same', async () => {
    const { secrets, installation, another } = scene()
    await secrets.of('north')
    const before = [await secrets.rotate('north'), await secrets.of('south')]
    const { publicJwk } = (await installation.all())[0]!
    const fresh = randomBytes(32)
    const both = another([fresh, KEY])
    expect([await both.secrets.reseal(), await both.keys.reseal()]).toEqual([3, 1])
    expect([await both.secrets.reseal(), await both.keys.reseal()]).toEqual([0, 0])
    const alone = another([fresh])
    expect([await alone.secrets.of('north'), await alone.secrets.of('south')]).toEqual(before)
    expect((await alone.keys.all())[0]).toMatchObject({ publicJwk })
  })
})

/** The bytes of what is sealed in a text. */
function sealedParts(text: string): Buffer[] {
  return [...text.matchAll(/1\.[0-9a-f]{12}\.([\w-]+)/g)].map(([, data]) => Buffer.from(data!, 'base64url'))
}

describe('a signer', () => {
  test('signs with both secrets and both keys during a rotation, and not with the old ones after it', async () => {
    const { secrets, installation, sign, forget, ...store } = scene()
    const [old] = await secrets.of('north')
    expect((await sign())['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+$/)
    const [fresh] = await secrets.rotate('north')
    await installation.rotate()
    forget()
    const during = await sign()
    expect(during['webhook-signature']).toMatch(/^v1,\S+ v1,\S+ v1a,\S+ v1a,\S+$/)
    expect([verifies(old!.secret, during), verifies(fresh!.secret, during)]).toEqual([true, true])
    await passTime(store, ROTATION_OVERLAP_MS)
    forget()
    const after = await sign()
    expect(after['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+$/)
    expect([verifies(old!.secret, after), verifies(fresh!.secret, after)]).toEqual([false, true])
  })

  test('lets a secret expire on time, though it remembers it', async () => {
    const { secrets, installation } = scene()
    const signer = new CallbackSigner(secrets, installation, () => 0)
    const [old] = await secrets.of('north')
    const [, { expiresMs }] = (await secrets.rotate('north', 60_000)) as [unknown, { expiresMs: number }]
    const signAt = (timestampMs: number) => signer.sign('north', { id: 'dlv_1', timestampMs, body: BODY })
    const [before, at] = [await signAt(expiresMs - 1), await signAt(expiresMs)]
    expect(verifies(old!.secret, before)).toBe(true)
    expect(verifies(old!.secret, at)).toBe(false)
  })

  test('sees a rotation when it has remembered the secrets for long enough', async () => {
    const { secrets, installation } = scene()
    let local = 0
    const signer = new CallbackSigner(secrets, installation, () => local)
    const sign = async () => signer.sign('north', { id: 'dlv_1', timestampMs: Date.now(), body: BODY })
    await sign()
    const [fresh] = await secrets.rotate('north', 0)
    local = SECRETS_REMEMBERED_MS - 1
    expect(verifies(fresh!.secret, await sign())).toBe(false)
    local = SECRETS_REMEMBERED_MS
    expect(verifies(fresh!.secret, await sign())).toBe(true)
  })

  test('asks Redis nothing for a tenant that it remembers', async () => {
    const { secrets, sign, redis, scripts } = scene()
    const [held] = await secrets.of('north')
    await sign()
    await redis.unlink(['callback', 'signing'].map((kind) => `${scripts.secretsPrefix}ring:${kind}`))
    expect(verifies(held!.secret, await sign())).toBe(true)
    expect(await redis.keys(`${scripts.secretsPrefix}ring:*`)).toEqual([])
  })
})

describe('the keys of the installation', () => {
  test('are the same for all processes that ask at once', async () => {
    const { another } = scene()
    const asked = await Promise.all(Array.from({ length: 10 }, () => another().keys.all()))
    expect(new Set(asked.map((keys) => keys[0]!.publicJwk.kid)).size).toBe(1)
  })

  test('are JWKs that jose reads, named by their thumbprints', async () => {
    const { installation, sign } = scene()
    const { publicJwk, privateKey } = (await installation.all())[0]!
    expect(publicJwk).toEqual({
      kty: 'OKP',
      crv: 'Ed25519',
      x: expect.stringMatching(/^[\w-]{43}$/),
      kid: await calculateJwkThumbprint(publicJwk),
      use: 'sig',
      alg: 'EdDSA',
    })
    const headers = await sign()
    const signed = Buffer.from(`dlv_1.${headers['webhook-timestamp']}.${BODY}`)
    const signature = Buffer.from(headers['webhook-signature'].split('v1a,')[1]!, 'base64')
    const imported = (await importJWK(publicJwk)) as webcrypto.CryptoKey
    expect(await crypto.subtle.verify('Ed25519', imported, signature, signed)).toBe(true)
    const raw = Buffer.from(whpk(publicJwk).slice('whpk_'.length), 'base64')
    expect(await verifyAsync(signature, signed, raw)).toBe(true)

    const jws = await new FlattenedSign(signed)
      .setProtectedHeader({ alg: 'EdDSA', kid: publicJwk.kid })
      .sign(privateKey)
    await flattenedVerify(jws, createLocalJWKSet({ keys: [publicJwk] }))
  })
})
