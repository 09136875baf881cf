import fastifyCors, { type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { OPEN } from '../auth/access.ts'
import { EXPOSED_HEADERS } from '../response-headers.ts'

/** A browser asks again before a request of another kind, seconds; browsers take two hours at most. */
const PREFLIGHT_SECONDS = 7_200
const ANSWER: FastifyCorsOptions = {
  methods: ['GET', 'HEAD', 'POST', 'DELETE'],
  exposedHeaders: EXPOSED_HEADERS,
  maxAge: PREFLIGHT_SECONDS,
}

/**
 * Lets pages of these origins use the API from a browser (CORS). Others, and all if there are none, are answered as if there were
 * no such thing. Credentials of the browser itself, such as cookies, play no part.
 */
export const cors = plugin<{ origins: readonly string[] }>(
  async (app, { origins }) => {
    if (origins.length === 0) return
    // The library's own route, for preflights to paths that do not exist.
    app.addHook('onRoute', (route) => {
      if (route.url === '*') route.config = { ...route.config, access: OPEN }
    })
    await app.register(fastifyCors, {
      delegator: (request, answer) => {
        const { origin } = request.headers
        const isAllowed = origin !== undefined && origins.includes(origin)
        answer(null, isAllowed ? { ...ANSWER, origin, preflight: isPreflight(request) } : { origin: false })
      },
    })
    // Routes set `Vary` themselves.
    app.addHook('onSend', (_request, reply, payload, next) => {
      const vary = reply.getHeader('vary')
      if (!String(vary).includes('Origin')) reply.header('vary', vary ? `${vary}, Origin` : 'Origin')
      next(null, payload)
    })
  },
  { name: 'cors' },
)

/** Any other OPTIONS is answered 405, as without CORS. */
function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}
