import type { FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
import { Type } from 'typebox'
import type { Access } from '../auth/access.ts'
import { problemResponses, response } from '../responses.ts'

const EXAMPLE = `# HELP accepted_redis_up Whether Redis answers
# TYPE accepted_redis_up gauge
accepted_redis_up 1
`

/**
 * `GET /metrics`.
 *
 * @param access who may read it
 * @param registries of this process: what it counts itself
 * @param storeMetrics the figures of the store, asked for at each scrape
 */
export function metricsRoute(
  app: FastifyInstance,
  access: Access,
  registries: readonly Registry[],
  storeMetrics: () => Promise<Registry>,
): void {
  const make = async () => {
    const metrics = Registry.merge([...registries, await storeMetrics()])
    return { contentType: metrics.contentType, text: await metrics.metrics() }
  }
  // For all who ask while it is made: it is dear, and no quota counts it.
  let making: ReturnType<typeof make> | undefined
  app.get(
    '/metrics',
    {
      config: { access, produces: ['text/plain'], load: 'none' },
      schema: {
        operationId: 'metrics.read',
        summary: 'Figures for monitoring',
        description:
          'In the text format of Prometheus: of tasks, lanes, callbacks and the store (`accepted_…`), of requests (`http_…`) and of this process. Answers while Redis is away, too: `accepted_redis_up` is 0 then. Open to all if `HOST` is a loopback address.',
        tags: ['service'],
        response: {
          200: response(
            'The figures',
            Type.String({ pattern: '^# HELP ', maxLength: 10_000_000 }),
            ['Cache-Control'],
            {
              mediaType: 'text/plain',
              example: EXAMPLE,
            },
          ),
          ...problemResponses(),
        },
      },
    },
    async (_request, reply) => {
      making ??= make().finally(() => {
        making = undefined
      })
      const { contentType, text } = await making
      return reply.type(contentType).header('cache-control', 'no-store').send(text)
    },
  )
}
