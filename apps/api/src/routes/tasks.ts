import { PAGE_MAX_ITEMS } from '@accepted/contract'
import { taskDocument } from '@accepted/core'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { problemResponses, response, STORE_PROBLEMS, taskResponses } from '../responses.ts'
import { chooseStyle, StyleQuery } from '../start-options.ts'
import {
  listQuery,
  listTasks,
  pollReply,
  type ReadDependencies,
  ReadHeaders,
  readTask,
  TaskParams,
} from '../task-reading.ts'
import { answerOf } from '../task-styles.ts'

/** `GET /tasks`, `GET /tasks/{id}`. */
export function taskRoutes(app: FastifyInstance, deps: ReadDependencies): void {
  app.get(
    '/tasks',
    {
      config: { access: ['tasks:read'], load: 'lists' },
      schema: {
        operationId: 'task.list',
        summary: 'List tasks',
        description:
          'Newest first, in canonical words, without `result` and `request.body`; the next page stands in `Link`, if there is one. Stable while tasks are added.',
        tags: ['tasks'],
        querystring: listQuery([...deps.contracts.keys()]),
        response: {
          200: response('A page of tasks', Type.Array(Type.Ref('Task'), { maxItems: PAGE_MAX_ITEMS }), [
            'Link?',
            'Cache-Control',
          ]),
          ...problemResponses('invalid_input', ...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { views, next } = await listTasks(request, reply, deps)
      if (next) reply.header('link', `</tasks${next}>; rel="next"`)
      reply.header('cache-control', 'private, no-cache').type('application/json')
      return reply.send(
        `[${views.map(({ task, estimate }) => taskDocument(task, estimate, {}, 'listed')).join()}]`,
      )
    },
  )

  app.get(
    '/tasks/:task_id',
    {
      config: { access: ['tasks:read'] },
      schema: {
        operationId: 'task.read',
        summary: 'Read a task',
        description:
          'In the style that `?style=` or `Prefer: task-style=` names; the status code depends on it.',
        tags: ['tasks'],
        params: TaskParams,
        querystring: StyleQuery,
        headers: ReadHeaders,
        response: {
          ...taskResponses,
          ...problemResponses('not_found', 'gone', 'invalid_input', 'polling_too_fast', ...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const choice = chooseStyle(request.query as StyleQuery, request.headers.prefer as string | undefined)
      const view = await readTask(request, reply, deps, choice.style)
      return pollReply(request, reply, answerOf(choice.style, view, deps.styles()), choice, deps)
    },
  )
}
