import type { FastifyInstance } from 'fastify'
import { Histogram, Registry } from 'prom-client'

/** Up to what answers that are held (`Prefer: wait`) take. */
const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * Counts the requests of an app and how long they took, by method, route and status. A route is its pattern, never an address;
 * what has no route is `none`. To be called before the routes are added.
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
  app.addHook('onResponse', (request, reply, next) => {
    const route = request.routeOptions.url ?? 'none'
    durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
    next()
  })
  return registry
}
