import type { FastifyRequest, RouteOptions } from 'fastify'
import plugin from 'fastify-plugin'
import { ProblemError, problemDocument } from '../problem.ts'
import { withProblems } from '../responses.ts'
import { type RetryBounds, retryAfterSeconds } from '../retry-after.ts'
import type { Load } from './pressure.ts'
import type { Shedding } from './shedding.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request of the route counts as when the process is overloaded; `reads`, if it does not say. `none`: it is never refused. */
    load?: Load | 'none' | ((request: FastifyRequest) => Load)
  }
  interface FastifyRequest {
    /** Whether it was refused before any work: no line of the log tells of it alone. */
    shed: boolean
  }
}

/** Who is refused is told to come again after 1 s to this, so that they do not come all at once. */
const SPREAD_SECONDS = 5

export interface ShedRequestsOptions {
  shedding: Shedding
  bounds: RetryBounds
  publicUrl: () => string
  /** 0…1. */
  chance?: () => number
}

/**
 * Refuses requests while the process is overloaded, before anything else of them is looked at: neither key nor body, and with
 * no word in the log but one for all.
 */
export const shedRequests = plugin<ShedRequestsOptions>(
  async (app, { shedding, bounds, publicUrl, chance = Math.random }) => {
    app.decorateRequest('shed', false)
    app.addHook('onRoute', describe)
    const problem = new ProblemError(
      'overloaded',
      'This process has more to do than it can bear. Nothing was begun.',
    )
    const documents = new Map<boolean, string>()
    const documentOf = (numericStatus: boolean) => {
      const known = documents.get(numericStatus) ?? problemDocument(problem, publicUrl(), numericStatus)
      documents.set(numericStatus, known)
      return known
    }
    app.addHook('onRequest', (request, reply, next) => {
      const load = loadOf(request)
      if (load === 'none' || !shedding.refuses(load)) return next()
      request.shed = true
      const seconds = retryAfterSeconds(1 + Math.floor(chance() * SPREAD_SECONDS), bounds)
      reply
        .code(problem.status)
        .header('retry-after', String(seconds))
        .type('application/problem+json')
        .send(documentOf(!request.url.startsWith('/operations')))
    })
    app.addHook('onClose', async () => shedding.close())
  },
  { name: 'shed-requests', dependencies: ['request-ids', 'problems'] },
)

function loadOf(request: FastifyRequest): Load | 'none' {
  const { load = 'reads' } = request.routeOptions.config
  return typeof load === 'function' ? load(request) : load
}

function describe(route: RouteOptions): void {
  if (route.config?.load === 'none' || !route.schema || route.schema.hide) return
  const document = route.url.startsWith('/operations') ? 'OperationProblem' : 'Problem'
  const response = withProblems(route.schema.response as object, document, ['overloaded'])
  route.schema = { ...route.schema, response }
}
