import accepts from '@fastify/accepts'
import plugin from 'fastify-plugin'
import { ProblemError } from '../problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The media types that the route answers with; JSON if it does not say. */
    produces?: string[]
  }
}

/** Refuses requests whose `Accept` names nothing that the route has. */
export const negotiation = plugin(
  async (app) => {
    await app.register(accepts)
    app.addHook('onRequest', (request, _reply, next) => {
      const { accept } = request.headers
      if (accept === undefined || accept === '*/*' || request.is404) return next()
      const types = request.routeOptions.config.produces ?? ['application/json']
      if (request.accepts().type(types) !== false) return next()
      next(new ProblemError('not_acceptable', `This resource is ${types.join(' or ')}.`))
    })
  },
  { name: 'negotiation', dependencies: ['problems'] },
)
