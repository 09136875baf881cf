import { createHmac, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'

/** A message as it goes out. */
export interface Message {
  /** The receiver's dedupe key, the same for every attempt; without a `.`, which separates the parts that are signed. */
  id: string
  /** When this attempt is made, ms since the epoch. Signed and sent in whole seconds. */
  timestampMs: number
  /** Exactly the text that is sent. */
  body: string
}

/** What a message is signed with, newest first. */
export interface SigningKeys {
  /** The secrets that the receiver may hold: one, or two while a rotation is under way. */
  secrets: readonly KeyObject[]
  /** Ed25519 private keys of the installation, as many. */
  privateKeys: readonly KeyObject[]
}

/** The header fields of Standard Webhooks. */
export interface SignatureHeaders {
  'webhook-id': string
  'webhook-timestamp': string
  'webhook-signature': string
}

// On the thread pool: in the thread of the event loop it would take more than three times as much of that (docs/decisions/014).
const signEd25519 = promisify(sign)

/**
 * Signs a message by Standard Webhooks: `v1` (HMAC-SHA256) by every secret, `v1a` (Ed25519) by every private key, all in one
 * field. The same message and keys give the same signatures.
 */
export async function signMessage(
  { id, timestampMs, body }: Message,
  { secrets, privateKeys }: SigningKeys,
): Promise<SignatureHeaders> {
  const timestamp = String(Math.floor(timestampMs / 1000))
  const signed = Buffer.from(`${id}.${timestamp}.${body}`)
  const asymmetric = privateKeys.map((key) => signEd25519(null, signed, key))
  const symmetric = secrets.map((secret) => createHmac('sha256', secret).update(signed).digest('base64'))
  const signatures = [
    ...symmetric.map((signature) => `v1,${signature}`),
    ...(await Promise.all(asymmetric)).map((signature) => `v1a,${signature.toString('base64')}`),
  ]
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
