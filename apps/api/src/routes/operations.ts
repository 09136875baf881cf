import { FieldValue } from '@accepted/contract'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import {
  BODY_PROBLEMS,
  emptyResponse,
  operationProblemResponses,
  response,
  STORE_PROBLEMS,
} from '../responses.ts'
import {
  listQuery,
  listTasks,
  pollReply,
  type ReadDependencies,
  ReadHeaders,
  readTask,
  TaskParams,
} from '../task-reading.ts'
import { answerOf, operationDocument } from '../task-styles.ts'
import { type ActDependencies, actedResponse, cancelTask, sendActed } from './task-actions.ts'

const HEADERS = [
  'ETag',
  'Cache-Control',
  'Vary',
  'Link',
  'Retry-After?',
  'Sunset?',
  'Operation-Location?',
  'Preference-Applied?',
] as const

/** `GET /operations`, `GET /operations/{id}`, `DELETE /operations/{id}`: the tasks as pollers of `Operation-Location` know them. */
export function operationRoutes(app: FastifyInstance, deps: ReadDependencies, act: ActDependencies): void {
  app.get(
    '/operations',
    {
      config: { access: ['tasks:read'], load: 'lists' },
      schema: {
        operationId: 'operation.list',
        summary: 'List tasks in the operation style',
        description:
          'The list of `GET /tasks` in the words of this style: newest first, the next page at `nextLink`.',
        tags: ['operations'],
        querystring: listQuery([...deps.contracts.keys()]),
        response: {
          200: response('A page of operations', Type.Ref('OperationList'), ['Cache-Control']),
          ...operationProblemResponses('invalid_input', ...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { views, next } = await listTasks(request, reply, deps)
      const { publicUrl } = deps.styles()
      const value = views.map(({ task }) => operationDocument(task, publicUrl)).join()
      const more = next ? `,"nextLink":${JSON.stringify(`${publicUrl}/operations${next}`)}` : ''
      reply.header('cache-control', 'private, no-cache').type('application/json')
      return reply.send(`{"value":[${value}]${more}}`)
    },
  )

  app.get(
    '/operations/:task_id',
    {
      config: { access: ['tasks:read'] },
      schema: {
        operationId: 'operation.read',
        summary: 'Read a task in the operation style',
        description:
          'Where `Operation-Location` leads. 200 whether the task has ended or not: `status` tells. Ended as `succeeded`, it has `resourceLocation` or, if it made data only, `result`.',
        tags: ['operations'],
        params: TaskParams,
        headers: Type.Object({
          ...ReadHeaders.properties,
          prefer: Type.Optional(FieldValue('RFC 7240: `wait=SECONDS` as for `GET /tasks/{task_id}`')),
        }),
        response: {
          200: response('The operation, ended or not', Type.Ref('Operation'), HEADERS),
          304: emptyResponse('It has not changed', HEADERS),
          ...operationProblemResponses('not_found', 'gone', 'polling_too_fast', ...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const view = await readTask(request, reply, deps, 'operation')
      const choice = { style: 'operation' as const, applied: undefined }
      return pollReply(request, reply, answerOf('operation', view, deps.styles()), choice, deps)
    },
  )

  app.delete(
    '/operations/:task_id',
    {
      config: { access: ['tasks:write'] },
      schema: {
        operationId: 'operation.cancel',
        summary: 'Cancel a task in the operation style',
        description: 'The same as `POST /tasks/{task_id}/cancel`, as this family has it.',
        tags: ['operations'],
        params: TaskParams,
        response: {
          202: actedResponse('The operation is canceled, or will be', Type.Ref('Operation')),
          ...operationProblemResponses(
            ...BODY_PROBLEMS,
            'not_found',
            'gone',
            'already_ended',
            ...STORE_PROBLEMS,
          ),
        },
      },
    },
    async (request, reply) =>
      sendActed(request, reply, 202, await cancelTask(request, act), act, 'operation'),
  )
}
