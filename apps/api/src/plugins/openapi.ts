import { OperationDocument, OperationList, Problem, StyledTask, Task } from '@accepted/contract'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import plugin from 'fastify-plugin'
import { Type } from 'typebox'
import { problemResponses, response } from '../responses.ts'

export interface OpenapiOptions {
  publicUrl: () => string
  version: string
}

const TAGS = {
  tasks: 'The task resource: how a request goes',
  operations: 'The same tasks for pollers of `Operation-Location`',
  cars: 'Example operations: a car factory',
  orders: 'Example data: orders',
  reports: 'Example operation: reports as PDF',
  service: 'The service itself',
}

/** `/openapi.json` and `/docs`, made from the schemas that validate. To be registered before the routes. */
export const openapi = plugin<OpenapiOptions>(
  async (app, { publicUrl, version }) => {
    for (const schema of [Task, StyledTask, OperationDocument, OperationList, Problem]) app.addSchema(schema)
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Accepted',
          version,
          summary: 'Long-running operations for HTTP APIs',
          description:
            'Slow work is answered `202 Accepted` at once; a task tells how it goes. Clients must ignore members and header fields that they do not know.',
          license: { name: 'MIT', identifier: 'MIT' },
          contact: { name: 'The maintainers of this installation', url: publicUrl() },
        },
        servers: [{ url: publicUrl() }],
        security: [],
        tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      },
      refResolver: {
        buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`),
      },
    })
    await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { deepLinking: true } })
    app.get(
      '/openapi.json',
      {
        schema: {
          operationId: 'read_openapi',
          summary: 'This description',
          tags: ['service'],
          response: {
            200: response('OpenAPI 3.1', Type.Object({}, { additionalProperties: true })),
            ...problemResponses(),
          },
        },
      },
      async (_request, reply) => reply.send(app.swagger()),
    )
  },
  { name: 'openapi' },
)
