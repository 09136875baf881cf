import { createHash } from 'node:crypto'

/** Who acts, from where and in which request, for the trail. Texts of strangers are `harmless`. */
export interface ActedBy {
  /** The id of an API key, issuer and subject of a token, an operator: at most 200 characters. */
  name: string
  /** The address of the client, or where else it comes from: at most 64 characters. Empty: from the service itself. */
  address: string
  /** Null: it was no request. */
  requestId: string | null
  /** How many entries the trail keeps, more or less; Infinity: none is dropped for this one. */
  kept: number
}

/** Who takes back what the store accepted and the client was refused. */
export const SERVICE = 'service'
/** Who acts where nobody is asked who they are. */
export const ANYBODY_NAME = 'anybody'

export const NAME_LENGTH = 200
export const ADDRESS_LENGTH = 64
const DIGEST_LENGTH = 16
// Control and format characters, lone surrogates, line and paragraph separators; our own separators are among them.
const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * A text of strangers as it may stand in a trail, a log or a terminal: no longer than that, and nothing in it that is not shown.
 * One that had to be changed ends in the beginning of its SHA-256, so that two that differ are not taken for one.
 */
export function harmless(text: string, length: number): string {
  const clean = text.replace(HARMFUL, '\u{fffd}')
  if (clean === text && text.length <= length) return text
  const digest = createHash('sha256').update(text).digest('base64url').slice(0, DIGEST_LENGTH)
  // A pair of surrogates may be cut in two.
  return `${clean.slice(0, length - DIGEST_LENGTH - 1).replace(HARMFUL, '')}…${digest}`
}

/** As scripts take it (lib/audit.lua). */
export function actedByText(by: ActedBy | undefined): string {
  if (!by) return ''
  const { name, address, requestId, kept } = by
  return `${kept === Number.POSITIVE_INFINITY ? 0 : kept} ${name}\u001f${address}\u001f${requestId ?? ''}`
}
