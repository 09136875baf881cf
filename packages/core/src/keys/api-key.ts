import { hash, randomBytes } from 'node:crypto'

const RANDOM_BYTES = 32
const FORM = /^acc_[A-Za-z0-9_-]{43}$/
/** Enough to tell one's keys apart; some 200 of the 256 random bits stay unknown. */
const PREFIX_LENGTH = 12
/** Of the digest: no two keys share them. */
const ID_BYTES = 12

/** What is known of a key without the key itself. */
export interface KeyDigest {
  /** `key_` and the beginning of the digest. */
  keyId: string
  /**
   * SHA-256. A slow hash is for what people make up: nobody guesses 256 random bits, nor finds them from a digest.
   */
  digest: Buffer
}

/** A new API key: `acc_` and 32 random bytes in base64url. */
export function newApiKey(): string {
  return `acc_${randomBytes(RANDOM_BYTES).toString('base64url')}`
}

/** The first characters of a key, by which its owner knows it. */
export function prefixOfKey(key: string): string {
  return key.slice(0, PREFIX_LENGTH)
}

/** The digest of a key; undefined if the text has not the form of one. */
export function digestOfKey(text: string): KeyDigest | undefined {
  if (!FORM.test(text)) return undefined
  const digest = hash('sha256', text, 'buffer')
  return { keyId: `key_${digest.subarray(0, ID_BYTES).toString('base64url')}`, digest }
}

/** Whether a text has the form of the id of a key. */
export function isKeyId(text: string): boolean {
  return /^key_[A-Za-z0-9_-]{16}$/.test(text)
}
