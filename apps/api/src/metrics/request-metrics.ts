import type { FastifyInstance } from 'fastify'
import { Counter, Histogram, Registry } from 'prom-client'
import { ProblemError } from '../problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether it is a start that was refused by its own `Max-Queue` alone: there was room in the lane. */
    refusedByMaxQueue: boolean
    /** The quota by which it was refused; '' if by none. */
    usedUp: string
  }
}

/** Up to what answers that are held (`Prefer: wait`) take. */
const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * Counts the requests of an app and how long they took, by method, route and status. A route is its pattern, never an address;
 * what has no route is `none`. Those that a quota refused are counted by the quota, never by tenant. To be called before the routes are added.
 */
export function requestMetrics(app: FastifyInstance): Registry {
  const registry = new Registry()
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the arrival of a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  })
  const refusals = new Counter({
    name: 'http_quota_refusals_total',
    help: 'Requests that were answered 429, by the quota that was used up',
    labelNames: ['quota'],
    registers: [registry],
  })
  const ownRefusals = new Counter({
    name: 'http_max_queue_refusals_total',
    help: 'Starts that were answered 503 by their own Max-Queue alone, though their lane had room',
    registers: [registry],
  })
  app.decorateRequest('refusedByMaxQueue', false)
  app.decorateRequest('usedUp', '')
  app.addHook('onError', (request, _reply, error: Error, next) => {
    const quota = error instanceof ProblemError && error.status === 429 && error.options.members?.quota
    if (quota) {
      request.usedUp = String(quota)
      refusals.inc({ quota: request.usedUp })
    }
    next()
  })
  app.addHook('onResponse', (request, reply, next) => {
    const route = request.routeOptions.url ?? 'none'
    durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
    if (request.refusedByMaxQueue) ownRefusals.inc()
    next()
  })
  return registry
}
