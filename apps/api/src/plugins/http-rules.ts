import type { IncomingMessage } from 'node:http'
import plugin from 'fastify-plugin'
import { targetTooLong } from '../connections/client-errors.ts'
import { MAX_FIELDS, MAX_PIPELINED, TARGET_MAX_BYTES } from '../connections/connection-limits.ts'
import type { Connections } from '../connections/connections.ts'
import { ProblemError } from '../problem.ts'
import { bodyMaxBytes, bodyTooLarge } from './problems.ts'

/** A body that nobody wants is passed over, and its connection stays, if it is no longer than that; in chunks, if it comes in time. */
const READ_FOR_NOTHING_BYTES = 1_000_000
const COME_AGAIN = { headers: { 'retry-after': '1' } }
const AUTHORITY = /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d{0,5})?$/i

export interface HttpRulesOptions {
  connections: Connections
  /** Whether the service is known by this host, as `hostnameOf` has it; undefined: by whatever name. */
  isOurs?: ((hostname: string) => boolean) | undefined
}

/** Refuses what the parser lets through, though HTTP does not, which is more than a request may have, or which is for another service. */
export const httpRules = plugin<HttpRulesOptions>(
  async (app, { connections, isOurs }) => {
    const misdirected = isOurs && hostJudge(isOurs)
    app.addHook('onRequest', (request, reply, next) => {
      const { raw } = request
      const refusal = tooMany(connections, raw) ?? faultOf(raw, request.originalUrl) ?? misdirected?.(raw)
      if (!refusal) return next()
      reply.header('connection', 'close')
      next(refusal)
    })
    app.addHook('preParsing', (request, reply, _payload, next) => {
      const length = request.headers['content-length']
      if (length && Number(length) > bodyMaxBytes(request)) return next(bodyTooLarge(request))
      connections.continue(request.raw, reply.raw)
      next()
    })
    // Whoever still sends a body that nobody reads gets its answer, and then the end.
    app.addHook('onSend', ({ raw }, reply, payload, next) => {
      // What comes after a request to upgrade, Node does not read as requests.
      const isLast = raw.headers.upgrade !== undefined || (!raw.complete && leavesMuch(raw, connections))
      if (isLast) reply.header('connection', 'close')
      if (!raw.complete && reply.getHeader('connection') === 'close') connections.of(raw)?.closeAfterAnswer()
      next(null, payload)
    })
  },
  { name: 'http-rules', dependencies: ['problems'] },
)

/** Whether more of a body is still to come than is passed over, or nobody can tell whether one comes. */
function leavesMuch(raw: IncomingMessage, connections: Connections): boolean {
  const { 'content-length': length = '0' } = raw.headers
  return connections.expectsContinue(raw) || Number(length) > READ_FOR_NOTHING_BYTES
}

/** Why a request is refused for its connection alone. */
function tooMany(connections: Connections, raw: IncomingMessage): ProblemError | undefined {
  const connection = connections.of(raw)
  if (connection?.isRefused) {
    return new ProblemError('too_many_connections', 'Too many connections are open.', COME_AGAIN)
  }
  if (connection?.isOneTooMany(raw)) {
    const words = `More than ${MAX_PIPELINED} requests of this connection wait.`
    return new ProblemError('too_many_pipelined', words, COME_AGAIN)
  }
  return undefined
}

/** How often a field stands in a request, whatever Node makes of it. @param name in lower case */
function countOf(name: string, { rawHeaders }: IncomingMessage): number {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const field = rawHeaders[at]!
    if (field.length === name.length && field.toLowerCase() === name) count += 1
  }
  return count
}

function faultOf(raw: IncomingMessage, target: string): ProblemError | undefined {
  const { headers, rawHeaders, httpVersion } = raw
  if (target.length > TARGET_MAX_BYTES) return targetTooLong()
  if (rawHeaders.length / 2 > MAX_FIELDS) {
    return new ProblemError('header_too_large', `The request has more than ${MAX_FIELDS} header fields.`)
  }
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return new ProblemError('malformed_request', 'Of versions of HTTP only 1.1 and 1.0 are served.')
  const hosts = countOf('host', raw)
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) {
    return new ProblemError(
      'malformed_request',
      'The request has not exactly one Host field (RFC 9112 §3.2).',
    )
  }
  if (headers.host !== undefined && !AUTHORITY.test(headers.host)) {
    return new ProblemError('malformed_request', 'The Host field is no host and port.')
  }
  if (headers.authorization !== undefined && countOf('authorization', raw) > 1)
    return new ProblemError('malformed_request', 'The request has more than one Authorization field.')
  const coding = headers['transfer-encoding']
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0')) {
    return new ProblemError('malformed_request', 'Of transfer codings only chunked is read, in HTTP/1.1.')
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return new ProblemError('unsupported_media_type', 'A body is read without any Content-Encoding only.', {
      headers: { 'accept-encoding': 'identity' },
    })
  }
  if (
    headers.expect !== undefined &&
    headers.expect.toLowerCase() !== '100-continue' &&
    httpVersion !== '1.0'
  ) {
    return new ProblemError('expectation_failed', 'Of expectations only 100-continue is known.')
  }
  return undefined
}

/** The host of a URL as an address or name: in small letters, IPv6 without brackets; '' of what is no URL. */
export function hostnameOf(url: string): string {
  return URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? ''
}

/**
 * Refuses what is for another host: a page of another site whose name leads to this machine all of a sudden (DNS rebinding) says that
 * name. Most requests have the same `Host` as the one before, which is judged once.
 */
function hostJudge(isOurs: (hostname: string) => boolean) {
  let known = ''
  return ({ headers: { host = '' } }: IncomingMessage): ProblemError | undefined => {
    if (host === known || host === '') return undefined
    if (!isOurs(hostnameOf(`http://${host}`))) {
      return new ProblemError('misdirected', 'While nobody is asked for a key, Host has to be this machine.')
    }
    known = host
    return undefined
  }
}

/** The path and query of a target in absolute form (RFC 9112 §3.2.2); any other as it is. For Fastify's `rewriteUrl`. */
export function originForm({ url = '/' }: IncomingMessage): string {
  const absolute = /^https?:\/\/[^/?#]*/i.exec(url)
  if (!absolute) return url
  const rest = url.slice(absolute[0].length)
  return rest.startsWith('/') ? rest : `/${rest}`
}
