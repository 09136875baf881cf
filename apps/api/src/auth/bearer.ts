import { timingSafeEqual } from 'node:crypto'
import { type ApiKey, digestOfKey, type KnownKeys } from '@accepted/core'
import type { Authenticate, Caller } from './caller.ts'
import { invalidCredential, noCredential } from './challenges.ts'

/** `Bearer` and a token (RFC 6750 §2.1); spaces around it do no harm. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i
const API_KEY = 'acc_'

/** Callers by their API keys. */
export function bearer(keys: KnownKeys): Authenticate {
  return (authorization) => {
    if (authorization === undefined) throw noCredential()
    const token = BEARER.exec(authorization)?.[1]
    if (!token?.startsWith(API_KEY)) throw invalidCredential('What is not Bearer and an API key is not read.')
    return callerOfKey(token, keys)
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
