import { isScope, isTenantName, type Scope } from '@accepted/contract'
import { harmless, type Logger, NAME_LENGTH } from '@accepted/core'
import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
  type LocalJWKSet,
} from 'jose'
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
/** An issuer that did not answer is let alone for so long, while no keys of it are known. */
const LEFT_ALONE_MS = 1_000
/** How long the issuer's keys are taken as they are. */
const KEYS_KEPT_MS = 600_000
/** How soon a token by an unknown key makes them be asked for again, whether they were told the last time or not. */
const ASKED_AGAIN_MS = 30_000

/** Whose tokens are taken, and what is read in them. */
export interface OidcTerms {
  /** As tokens name it in `iss`. */
  issuer: string
  /** What tokens for this service have in `aud`. */
  audience: string
  tenantClaim: string
  /** A text of words, or a list of them. */
  scopeClaim: string
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
    const { payload } = await jwtVerify(token, keyOf, options).catch((error) => {
      throw error instanceof ProblemError ? error : invalidCredential(wordsOf(error), error)
    })
    return callerOf(payload, terms)
  }
}

function callerOf(claims: JWTPayload, { issuer, tenantClaim, scopeClaim }: OidcTerms): Caller {
  const tenant = claims[tenantClaim]
  if (typeof tenant !== 'string' || !isTenantName(tenant)) {
    throw invalidCredential(`The token names no tenant in its claim ${tenantClaim}.`)
  }
  const { sub = '' } = claims as { sub?: unknown }
  if (typeof sub !== 'string') throw invalidCredential('The claim sub of the token is no text.')
  const scopes = new Set<Scope>(wordsIn(claims[scopeClaim]).filter(isScope))
  const endsMs = (claims.exp! + CLOCK_TOLERANCE_SECONDS) * 1000
  return {
    tenant,
    name: harmless(`${issuer} ${sub}`.trimEnd(), NAME_LENGTH),
    may: (scope) => scopes.has(scope),
    holds: () => Date.now() < endsMs,
  }
}

function wordsIn(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ')
  return Array.isArray(claim) ? claim.filter((word) => typeof word === 'string') : []
}

/**
 * The keys of the issuer, found by discovery (OpenID Connect Discovery 1.0 §4) when a token needs them. A token by a key that is
 * known is judged by it, whatever becomes of asking for others.
 */
function issuerKeys({ issuer }: OidcTerms, log: Logger): JWTVerifyGetKey {
  let kept: { keys: LocalJWKSet; sinceMs: number } | undefined
  let asked: Promise<LocalJWKSet> | undefined
  let failedMs = Number.NEGATIVE_INFINITY
  const keptMs = () => (kept ? performance.now() - kept.sinceMs : Number.POSITIVE_INFINITY)
  const ask = async () => {
    try {
      const keys = createLocalJWKSet((await documentAt(await discover(issuer))) as JSONWebKeySet)
      kept = { keys, sinceMs: performance.now() }
      return keys
    } catch (error) {
      failedMs = performance.now()
      log.error({ err: error, issuer }, 'the issuer of tokens cannot be asked for its keys')
      throw error
    } finally {
      asked = undefined
    }
  }
  const leftAloneMs = () =>
    failedMs + (keptMs() < KEYS_KEPT_MS ? ASKED_AGAIN_MS : LEFT_ALONE_MS) - performance.now()
  return async (header, token) => {
    if (kept && keptMs() < KEYS_KEPT_MS) {
      try {
        return await kept.keys(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || keptMs() < ASKED_AGAIN_MS) throw error
      }
    }
    if (leftAloneMs() > 0) throw issuerUnavailable(leftAloneMs())
    asked ??= ask()
    const keys = await asked.catch((error) => {
      throw issuerUnavailable(leftAloneMs(), error)
    })
    return keys(header, token)
  }
}

/** Where the issuer has its keys. @throws if it does not say */
async function discover(issuer: string): Promise<URL> {
  const place = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const { issuer: named, jwks_uri: keysPlace } = (await documentAt(place)) as {
    issuer?: unknown
    jwks_uri?: unknown
  }
  if (named !== issuer) throw new Error(`its configuration is that of the issuer ${named}`)
  const url = URL.parse(String(keysPlace))
  if (!url || (url.protocol !== 'https:' && issuer.startsWith('https:'))) {
    throw new Error(`its configuration names no https address of its keys, but ${keysPlace}`)
  }
  return url
}

/** @throws if there is none that is read */
async function documentAt(place: URL): Promise<unknown> {
  const answer = await fetch(place, { redirect: 'error', signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) })
  if (!answer.ok) throw new Error(`${place} is answered ${answer.status}`)
  return answer.json()
}

function wordsOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `The claim ${error.claim} of the token is missing, or not as it must be.`
  }
  return 'This is no token that the issuer has signed with a key of its own.'
}

function issuerUnavailable(againMs: number, cause?: unknown): ProblemError {
  return new ProblemError('issuer_unavailable', 'The issuer of the token did not tell its keys.', {
    headers: { 'retry-after': String(Math.max(1, Math.ceil(againMs / 1000))) },
    cause,
  })
}
