import plugin from 'fastify-plugin'
import { securityHeaders } from '../security-headers.ts'

/** Puts `securityHeaders` on every answer; what a route sets itself goes before them. */
export const securityFields = plugin<{ publicUrl: () => string }>(
  async (app, { publicUrl }) => {
    app.addHook('onRequest', (_request, reply, next) => {
      reply.headers(securityHeaders(publicUrl()))
      next()
    })
  },
  { name: 'security-headers' },
)
