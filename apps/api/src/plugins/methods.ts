import type { HTTPMethods, RouteOptions } from 'fastify'
import plugin from 'fastify-plugin'
import { OPEN } from '../auth/access.ts'
import { unknownMethod } from '../connections/client-errors.ts'
import { ProblemError } from '../problem.ts'
import { noSuchPath } from './problems.ts'

/** Those that a path refuses by naming its own; others are refused alike everywhere. */
const METHODS: HTTPMethods[] = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers 405 with `Allow` on every path for the methods that it does not have. To be called after all routes. */
    refuseOtherMethods(): void
  }
}

export const methods = plugin(
  async (app) => {
    const known = new Map<string, Set<string>>()
    app.addHook('onRoute', ({ url, method }: RouteOptions) => {
      const declared = known.get(url) ?? new Set()
      for (const name of [method].flat()) declared.add(name)
      known.set(url, declared)
    })
    // Before the body is read: it does not matter where nothing is.
    app.addHook('onRequest', (request, _reply, next) => {
      if (!request.is404) return next()
      next((METHODS as string[]).includes(request.method) ? noSuchPath(request) : unknownMethod())
    })
    app.decorate('refuseOtherMethods', () => {
      for (const [url, declared] of [...known]) {
        const others = METHODS.filter((method) => !declared.has(method))
        const allow = [...declared].sort().join(', ')
        // Fastify has its own second form of a prefix's root, with a slash.
        if (url.includes('*') || (url.length > 1 && url.endsWith('/')) || others.length === 0) continue
        app.route({
          method: others,
          url,
          config: { access: OPEN },
          schema: { hide: true },
          exposeHeadRoute: false,
          // Before the body is read: it does not matter here.
          onRequest: async (request) => {
            throw new ProblemError(
              'method_not_allowed',
              `${request.method} does not apply here; ${allow} do.`,
              {
                headers: { allow },
              },
            )
          },
          handler: async () => undefined,
        })
      }
    })
  },
  { name: 'methods', dependencies: ['problems'] },
)
