import plugin from 'fastify-plugin'
import Negotiator from 'negotiator'
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
    app.addHook('onRequest', (request, _reply, next) => {
      const { accept } = request.headers
      if (!accept || accept === '*/*' || request.is404) return next()
      const types = request.routeOptions.config.produces ?? ['application/json']
      // A parameter such as charset or version does not make it another type here.
      const bare = accept.replace(/;(?!\s*q\s*=)[^,;]*/gi, '')
      if (new Negotiator({ headers: { accept: bare } }).mediaType(types) !== undefined) return next()
      next(new ProblemError('not_acceptable', `This resource is ${types.join(' or ')}.`))
    })
  },
  { name: 'negotiation', dependencies: ['problems'] },
)
