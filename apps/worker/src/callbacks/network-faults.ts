import { errors } from 'undici'
import { UnresolvedName } from './unresolved-name.ts'

const CLOSED = 'the connection was closed before an answer'
const LATE = 'could not connect in time'
const UNREACHABLE = 'the host cannot be reached'
const NOT_HTTP = 'the answer is not HTTP/1.1'
const UNKNOWN_AUTHORITY = 'the TLS certificate is not from a known authority'
const NO_CERTIFICATE = 'the receiver asks for a client certificate'
const NO_TLS = 'the TLS handshake failed'

/** What is told of an error, by its code. */
const WORDS: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  UND_ERR_SOCKET: CLOSED,
  ETIMEDOUT: LATE,
  UND_ERR_CONNECT_TIMEOUT: LATE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: NOT_HTTP,
  // undici's own doubts about a status below 100.
  ERR_ASSERTION: NOT_HTTP,
  UND_ERR_HEADERS_OVERFLOW: 'the header of the answer is too long',
  CERT_HAS_EXPIRED: 'the TLS certificate has expired',
  CERT_NOT_YET_VALID: 'the TLS certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the TLS certificate is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: NO_CERTIFICATE,
  EPROTO: NO_TLS,
}

/**
 * Why an attempt got no answer, in words for the owner of the receiver. They are stable, since people search for them, and
 * tell nothing of the network that we are in.
 */
export function faultInWords(error: unknown): string {
  if (error instanceof UnresolvedName) return error.message
  const { code = '', message = '' } = error as { code?: string; message?: string }
  if (error instanceof errors.HTTPParserError) return NOT_HTTP
  // What undici says of an answer that it does not expect, such as a switch of protocols (101).
  if (code === 'UND_ERR_SOCKET' && message.startsWith('bad ')) return NOT_HTTP
  return WORDS[code] ?? (/^ERR_(SSL|TLS)_/.test(code) ? NO_TLS : 'the connection failed')
}
