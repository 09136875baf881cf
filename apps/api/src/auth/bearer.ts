import { timingSafeEqual } from 'node:crypto'
import { type ApiKey, digestOfKey, type KnownKeys } from '@accepted/core'
import type { Authenticate, Caller } from './caller.ts'
import { invalidCredential, noCredential } from './challenges.ts'

/** `Bearer` and a token (RFC 6750 §2.1); spaces around it do no harm. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i
const API_KEY = 'acc_'
const LONGEST_TOKEN = 8_192

/**
 * Callers by their API keys, or by tokens.
 *
 * @param callerOfToken undefined: there is no issuer of tokens
 */
export function bearer(keys: KnownKeys, callerOfToken?: (token: string) => Promise<Caller>): Authenticate {
  return (authorization) => {
    if (authorization === undefined) throw noCredential()
    const token = BEARER.exec(authorization)?.[1]
    if (token?.startsWith(API_KEY)) return callerOfKey(token, keys)
    if (!callerOfToken) throw invalidCredential('What is not Bearer and an API key is not read.')
    if (!token || token.length > LONGEST_TOKEN || token.split('.').length !== 3) {
      throw invalidCredential('What is not Bearer and an API key or a JWT is not read.')
    }
    return callerOfToken(token)
  }
}

/** Synchronous for a key in use. */
function callerOfKey(token: string, keys: KnownKeys): Caller | Promise<Caller> {
  const given = digestOfKey(token)
  if (!given) throw unknownKey()
  const judged = (key: ApiKey | null): Caller => {
    if (!key || !timingSafeEqual(key.digest, given.digest)) throw unknownKey()
    if (keys.hasExpired(key)) throw invalidCredential('The key has expired.')
    return {
      tenant: key.tenant,
      name: key.keyId,
      may: (scope) => key.scopes.includes(scope),
      holds: () => keys.holds(key),
    }
  }
  const known = keys.peek(given.keyId)
  return known === undefined ? keys.find(given.keyId).then(judged) : judged(known)
}

function unknownKey() {
  return invalidCredential('There is no such key, or it was revoked.')
}
