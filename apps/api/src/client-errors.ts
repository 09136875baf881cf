import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ProblemCode } from '@accepted/contract'
import { ProblemError, problemDocument } from './problem.ts'
import { securityHeaders } from './security-headers.ts'

const CODES: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'header_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

const DETAILS: Partial<Record<ProblemCode, string>> = {
  header_too_large: 'The header fields together exceed 16 kB.',
  request_timeout: 'The request did not arrive in time.',
}

/** Answers what Node's parser refuses, before there is a request, with a problem document too. */
export function answerClientError(publicUrl: () => string) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const code = CODES[error.code ?? ''] ?? 'malformed_request'
    const problem = new ProblemError(code, DETAILS[code] ?? 'The request is not valid HTTP.')
    const body = problemDocument(problem, publicUrl(), true)
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${randomUUID()}`,
      ...Object.entries(securityHeaders(publicUrl())).map((field) => field.join(': ')),
      'Connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  }
}
