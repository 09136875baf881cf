import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type Logger, randomHex } from '@accepted/core'
import type { FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The id of a request: the caller's `X-Request-Id` if it is in form, else a new one. For Fastify's `genReqId`. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}

/** Puts `X-Request-Id` on every answer and logs one line an answer. */
export const requestIds = plugin<{ log: Logger }>(
  async (app, { log }) => {
    app.addHook('onRequest', (request, reply, next) => {
      reply.header('x-request-id', request.id)
      next()
    })
    app.addHook('onResponse', (request, reply, next) => {
      // Polls would drown the rest, and so would a flood.
      const level = (request.method === 'GET' && reply.statusCode < 400) || request.shed ? 'debug' : 'info'
      if (!log.isLevelEnabled(level)) return next()
      const line = {
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: reply.elapsedTime,
        ...ofCaller(request, reply.statusCode),
        ...(request.usedUp ? { quota: request.usedUp } : {}),
      }
      request.log[level](line, 'request answered')
      next()
    })
  },
  { name: 'request-ids' },
)

/** Who sent a request, if it was asked; of one that was refused also from where. */
function ofCaller({ caller, address }: FastifyRequest, status: number): object {
  return {
    ...(caller ? { tenant: caller.tenant, caller: caller.name } : {}),
    ...(status === 401 || status === 403 ? { address } : {}),
  }
}

/** W3C trace context: the caller's, if it is in form, else a new one. */
export function traceparentOf({ headers }: FastifyRequest): string {
  const given = headers.traceparent
  if (typeof given === 'string' && TRACEPARENT.test(given)) return given
  return `00-${randomHex(16)}-${randomHex(8)}-01`
}
