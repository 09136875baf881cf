import { ProblemError } from '../problem.ts'
import { HEAD_MAX_BYTES, TARGET_MAX_BYTES } from './connection-limits.ts'

/** What Node tells of bytes that its parser refuses. */
export interface ParserError extends NodeJS.ErrnoException {
  /** In words, by the parser. */
  reason?: string
  /** The bytes that were read last, and how far into them the parser came. */
  rawPacket?: Buffer
  bytesParsed?: number
}

/** The methods that anything here has. */
export const METHODS_OF_ANY = 'DELETE, GET, HEAD, POST'

/** Reads what Node's parser refuses as a problem; undefined if it is the connection that broke. */
export function problemOfParser(error: ParserError): ProblemError | undefined {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError('request_timeout', 'The request did not arrive in time.')
    case 'HPE_HEADER_OVERFLOW':
      if ((/^[A-Z-]+ (\S+)/.exec(lineAt(error))?.[1]?.length ?? 0) > TARGET_MAX_BYTES) return targetTooLong()
      return new ProblemError('header_too_large', `The head exceeds ${HEAD_MAX_BYTES} bytes.`)
    case 'HPE_INVALID_METHOD':
      // Else it is not even like a request: TLS, for instance.
      if (/^[A-Za-z][\w-]* [/h*]/.test(lineAt(error))) return unknownMethod()
      return new ProblemError('malformed_request', 'The request is not valid HTTP.')
    case 'HPE_PAUSED_H2_UPGRADE':
      return new ProblemError('malformed_request', 'HTTP/2 is not spoken here; HTTP/1.1 is.')
  }
  if (!error.code?.startsWith('HPE_')) return undefined
  const why = error.reason ? `: ${error.reason}` : ''
  return new ProblemError('malformed_request', `The request is not valid HTTP${why}.`)
}

export function targetTooLong(): ProblemError {
  return new ProblemError('uri_too_long', `The request target exceeds ${TARGET_MAX_BYTES} bytes.`)
}

/** The problem of a method that nothing here has. */
export function unknownMethod(): ProblemError {
  return new ProblemError('method_not_allowed', `This method does not apply here; ${METHODS_OF_ANY} do.`, {
    headers: { allow: METHODS_OF_ANY },
  })
}

/** The line in which the parser stopped, as far as it was read last. */
function lineAt({ rawPacket, bytesParsed = 0 }: ParserError): string {
  if (!rawPacket) return ''
  const start = bytesParsed === 0 ? 0 : rawPacket.lastIndexOf('\n', bytesParsed - 1) + 1
  const end = rawPacket.indexOf('\n', start)
  return rawPacket.toString('latin1', start, end === -1 ? undefined : end)
}
