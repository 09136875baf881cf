import type { OutgoingHttpHeaders } from 'node:http'
import { FieldValue, isEnded, TASK_EXAMPLE } from '@accepted/contract'
import type { TaskReader } from '@accepted/core'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { RequestQuota } from '../quotas/request-quota.ts'
import { emptyResponse, problemResponses, response, STORE_PROBLEMS } from '../responses.ts'
import { eventText, lastEventVersion } from '../task-events.ts'
import { bytesOf, findTask, TaskParams } from '../task-reading.ts'
import type { TaskStreams } from '../task-streams.ts'

/** What the route that streams events needs. */
export interface EventDependencies {
  reader: TaskReader
  streams: TaskStreams
  quota: RequestQuota | undefined
}

const MEDIA_TYPE = 'text/event-stream'
const HEADERS = {
  // A proxy that compresses would keep events back.
  'cache-control': 'private, no-store, no-transform',
  'x-accel-buffering': 'no',
}

/** `GET /tasks/{id}/events`. */
export function taskEventRoutes(app: FastifyInstance, { reader, streams, quota }: EventDependencies): void {
  app.get(
    '/tasks/:task_id/events',
    {
      config: { access: ['tasks:read'], produces: [MEDIA_TYPE], load: 'lists' },
      schema: {
        operationId: 'task.events',
        summary: 'Follow a task',
        description:
          'Server-sent events (WHATWG HTML): the task as it is, then an event at each change, until it ends. `id` is the version, `data` the task document on one line. Changes that come too fast are told as one; the last is never lost.',
        tags: ['tasks'],
        params: TaskParams,
        headers: Type.Object({
          'last-event-id': Type.Optional(
            FieldValue('The version that the caller knows: nothing is sent until the task has another'),
          ),
        }),
        response: {
          200: response(
            'The stream, which ends by itself after the event `completed`, `failed` or `canceled`; the others are `started`, `progress`, `awaiting_confirmation` and `update`',
            Type.String({
              pattern: '^retry: \\d+\\n',
              description: 'Events, each of the lines `id`, `event`, `data`, and comments',
            }),
            ['Cache-Control', 'X-Accel-Buffering'],
            {
              mediaType: MEDIA_TYPE,
              example: `retry: 1000\n\n${eventText('progress', TASK_EXAMPLE.version, JSON.stringify(TASK_EXAMPLE))}`,
            },
          ),
          204: emptyResponse('The caller knows how the task ended; there is nothing to come again for', [
            'Cache-Control',
            'X-Accel-Buffering',
          ]),
          ...problemResponses('not_found', 'gone', ...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const found = await findTask(request, reader)
      await quota?.countBytes(request.tenant, bytesOf(found.task), reply)
      const { version, status } = found.task
      const isKnown = lastEventVersion(request.headers['last-event-id'] as string | undefined) === version
      reply.headers(HEADERS)
      if (isKnown && isEnded(status)) return reply.code(204).send()
      // A stream is the last answer on its connection, so that a server that closes need not wait for another request.
      reply.headers({ 'content-type': MEDIA_TYPE, connection: 'close' }).hijack()
      reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
      if (request.method === 'HEAD') return reply.raw.end()
      try {
        await streams.tell(reply.raw, request.caller, found, isKnown)
      } catch (error) {
        // Its head was sent, so the stream just ends; who comes again is told.
        request.log.error({ err: error }, 'stream failed')
      }
    },
  )
}
