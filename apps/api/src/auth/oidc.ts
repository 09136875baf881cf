import { isScope, isTenantName, type Scope } from '@accepted/contract'
import { harmless, type Logger, NAME_LENGTH } from '@accepted/core'
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { ProblemError } from '../problem.ts'
import type { Caller } from './caller.ts'
import { invalidCredential } from './challenges.ts'

/** Signatures by a private key only: whoever can verify a token must not be able to make one. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
/** By how much the clocks of the issuer and this host may differ. */
const CLOCK_TOLERANCE_SECONDS = 30
const ANSWERS_WITHIN_MS = 3_000
/** An issuer that did not answer is let alone for so long. */
const LEFT_ALONE_MS = 1_000
/** How long the issuer's keys are taken as they are. */
const KEYS_KEPT_MS = 600_000

/** Whose tokens are taken, and what is read in them. */
export interface OidcTerms {
  /** As tokens name it in `iss`. */
  issuer: string
  /** What tokens for this service have in `aud`. */
  audience: string
  tenantClaim: string
  /** A text of words, or a list of them. */
  scopeClaim: string
  /** How soon a token by an unknown key makes the keys be asked for again, ms. */
  cooldownMs?: number
}

/** Callers by access tokens (JWT) of an OpenID Connect issuer. @throws {ProblemError} `unauthenticated`, `issuer_unavailable` */
export function oidcCallers(terms: OidcTerms, log: Logger): (token: string) => Promise<Caller> {
  const keyOf = issuerKeys(terms, log)
  const options = {
    issuer: terms.issuer,
    audience: terms.audience,
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['exp'],
  }
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keyOf, options)
      return callerOf(payload, terms)
    } catch (error) {
      throw error instanceof errors.JOSEError ? invalidCredential(wordsOf(error), error) : error
    }
  }
}

function callerOf(claims: JWTPayload, { issuer, tenantClaim, scopeClaim }: OidcTerms): Caller {
  const tenant = claims[tenantClaim]
  if (typeof tenant !== 'string' || !isTenantName(tenant)) {
    throw invalidCredential(`The token names no tenant in its claim ${tenantClaim}.`)
  }
  const scopes = new Set<Scope>(wordsIn(claims[scopeClaim]).filter(isScope))
  const endsMs = (claims.exp! + CLOCK_TOLERANCE_SECONDS) * 1000
  return {
    tenant,
    name: harmless(`${issuer} ${claims.sub ?? ''}`.trimEnd(), NAME_LENGTH),
    may: (scope) => scopes.has(scope),
    holds: () => Date.now() < endsMs,
  }
}

function wordsIn(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ')
  return Array.isArray(claim) ? claim.filter((word) => typeof word === 'string') : []
}

/** The keys of the issuer, found by discovery (OpenID Connect Discovery 1.0 §4) when a token first comes. */
function issuerKeys({ issuer, cooldownMs = 30_000 }: OidcTerms, log: Logger): JWTVerifyGetKey {
  let found: Promise<JWTVerifyGetKey> | undefined
  let failedMs = Number.NEGATIVE_INFINITY
  const remoteKeys = async () =>
    createRemoteJWKSet(await discover(issuer), {
      timeoutDuration: ANSWERS_WITHIN_MS,
      cooldownDuration: cooldownMs,
      cacheMaxAge: KEYS_KEPT_MS,
    })
  return async (header, token) => {
    if (performance.now() - failedMs < LEFT_ALONE_MS) throw issuerUnavailable()
    try {
      found ??= remoteKeys()
      return await (await found)(header, token)
    } catch (error) {
      if (isOfToken(error)) throw error
      // Keys that were found are asked again; a discovery that failed is made anew.
      await found?.catch(() => {
        found = undefined
      })
      failedMs = performance.now()
      log.error({ err: error, issuer }, 'the issuer of tokens cannot be asked for its keys')
      throw issuerUnavailable(error)
    }
  }
}

/** Where the issuer has its keys. @throws if it does not say */
async function discover(issuer: string): Promise<URL> {
  const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
  })
  if (!answer.ok) throw new Error(`its configuration is answered ${answer.status}`)
  const { issuer: named, jwks_uri: place } = (await answer.json()) as { issuer?: unknown; jwks_uri?: unknown }
  if (named !== issuer) throw new Error(`its configuration is that of the issuer ${named}`)
  const url = URL.parse(String(place))
  if (!url || (url.protocol !== 'https:' && issuer.startsWith('https:'))) {
    throw new Error(`its configuration names no https address of its keys, but ${place}`)
  }
  return url
}

/** Whether a key is missing since the token asks for one that there is not. */
function isOfToken(error: unknown): boolean {
  return [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported].some(
    (kind) => error instanceof kind,
  )
}

function wordsOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `The claim ${error.claim} of the token is missing, or not as it must be.`
  }
  return 'This is no token that the issuer has signed with a key of its own.'
}

function issuerUnavailable(cause?: unknown): ProblemError {
  return new ProblemError('issuer_unavailable', 'The issuer of the token did not tell its keys.', {
    headers: { 'retry-after': String(Math.ceil(LEFT_ALONE_MS / 1000)) },
    cause,
  })
}
