import { DeliveryId } from '@accepted/contract'
import type { Deliveries } from '@accepted/core'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { deliveryDocument, endpointDocument } from '../callbacks/documents.ts'
import { ProblemError } from '../problem.ts'
import type { RequestQuota } from '../quotas/request-quota.ts'
import { BODY_PROBLEMS, problemResponses, response, STORE_PROBLEMS } from '../responses.ts'
import { absentProblem } from '../task-answers.ts'
import { TaskParams } from '../task-reading.ts'

const DeliveryParams = Type.Object({ ...TaskParams.properties, delivery_id: DeliveryId('The delivery') })
type DeliveryParams = Static<typeof DeliveryParams>

/** Most deliveries that are shown of one task. */
const MOST_DELIVERIES = 1_000
/** Most receivers that are shown, as the script has it. */
const MOST_ENDPOINTS = 1_000

const NO_CACHE = { 'cache-control': 'private, no-cache' }

/** `GET /tasks/{id}/deliveries`, `POST /tasks/{id}/deliveries/{id}/redeliver`, `GET /endpoints`. */
export function deliveryRoutes(
  app: FastifyInstance,
  deliveries: Deliveries,
  quota: RequestQuota | undefined,
): void {
  app.get(
    '/tasks/:task_id/deliveries',
    {
      config: { access: ['tasks:read'], load: 'lists' },
      schema: {
        operationId: 'delivery.list',
        summary: 'List the deliveries of a task',
        description:
          'Every message to its callback URL, the first one first, with every attempt: the last 1,000. They stay as long as their task.',
        tags: ['callbacks'],
        params: TaskParams,
        response: {
          200: response(
            'The deliveries; none if it has no callback',
            Type.Array(Type.Ref('Delivery'), { maxItems: MOST_DELIVERIES }),
            ['Cache-Control'],
          ),
          ...problemResponses('not_found', 'gone', ...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { task_id: taskId } = request.params as TaskParams
      const documents = await documentsOf(deliveries, request.tenant, taskId)
      await quota?.countEntries(request.tenant, entriesOf(documents), reply)
      return reply.headers(NO_CACHE).send(documents.slice(-MOST_DELIVERIES))
    },
  )

  app.post(
    '/tasks/:task_id/deliveries/:delivery_id/redeliver',
    {
      config: { access: ['tasks:write'], load: 'starts' },
      schema: {
        operationId: 'delivery.redeliver',
        summary: 'Try a delivery again',
        description:
          'Now, whatever came of it so far, and with the full schedule after that: the same message under the same `webhook-id`.',
        tags: ['callbacks'],
        params: DeliveryParams,
        response: {
          202: response('It is tried', Type.Ref('Delivery')),
          ...problemResponses(...BODY_PROBLEMS, 'not_found', 'gone', ...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { task_id: taskId, delivery_id: id } = request.params as DeliveryParams
      const deliveryId = id.slice('dlv_'.length)
      const outcome = await deliveries.redeliver(request.tenant, taskId, deliveryId, request.actedBy)
      if (outcome.outcome === 'no_delivery') throw unknownDelivery()
      if (outcome.outcome !== 'redelivered') throw absentProblem(taskId, outcome)
      request.log.info({ task: taskId, delivery: id }, 'redelivery asked for')
      const documents = await documentsOf(deliveries, request.tenant, taskId)
      await quota?.countEntries(request.tenant, entriesOf(documents), reply)
      const document = documents.find(({ delivery_id }) => delivery_id === id)
      if (!document) throw unknownDelivery()
      return reply.code(202).send(document)
    },
  )

  app.get(
    '/endpoints',
    {
      config: { access: ['tasks:read'], load: 'lists' },
      schema: {
        operationId: 'endpoint.list',
        summary: 'List the receivers of callbacks',
        description:
          'By their origins, the last used first: those of the last week, at most 1,000, and how each fares.',
        tags: ['callbacks'],
        response: {
          200: response('The endpoints', Type.Array(Type.Ref('Endpoint'), { maxItems: MOST_ENDPOINTS }), [
            'Cache-Control',
          ]),
          ...problemResponses(...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const endpoints = await deliveries.endpoints(request.tenant)
      await quota?.countEntries(request.tenant, endpoints.length, reply)
      return reply.headers(NO_CACHE).send(endpoints.map(endpointDocument))
    },
  )
}

/** The deliveries of a task. @throws {ProblemError} `not_found`, `gone` */
async function documentsOf(deliveries: Deliveries, tenant: string, taskId: string) {
  const found = await deliveries.of(tenant, taskId)
  if (found.outcome !== 'task') throw absentProblem(taskId, found)
  const { callback } = found
  return callback ? found.deliveries.map((delivery) => deliveryDocument(delivery, callback)) : []
}

/** An attempt is an entry as a delivery is. */
function entriesOf(documents: Awaited<ReturnType<typeof documentsOf>>): number {
  return documents.reduce((sum, { attempts }) => sum + 1 + attempts.length, 0)
}

function unknownDelivery(): ProblemError {
  return new ProblemError('not_found', 'The task has no such delivery.')
}
