import { createHash, type KeyObject } from 'node:crypto'

/** An Ed25519 public key as a JWK (RFC 7517, RFC 8037). */
export interface PublicJwk {
  kty: 'OKP'
  crv: 'Ed25519'
  /** The key's 32 bytes in base64url. */
  x: string
  /** Its thumbprint (RFC 7638). */
  kid: string
  use: 'sig'
  alg: 'EdDSA'
}

/** The public part of an Ed25519 key, whether that is private or public. */
export function publicJwk(key: KeyObject): PublicJwk {
  const { x } = key.export({ format: 'jwk' }) as { x: string }
  // The members in the order, and without any space, that RFC 7638 wants.
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
  return { kty: 'OKP', crv: 'Ed25519', x, kid: thumbprint.digest('base64url'), use: 'sig', alg: 'EdDSA' }
}

/** The same key in the form of Standard Webhooks. */
export function whpk({ x }: PublicJwk): string {
  return `whpk_${Buffer.from(x, 'base64url').toString('base64')}`
}
