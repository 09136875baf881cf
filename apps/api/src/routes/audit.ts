import { AUDIT_ACTIONS, Moment, Uuid7 } from '@accepted/contract'
import {
  type AuditPlace,
  type AuditTrail,
  auditDocument,
  auditPlaceText,
  readAuditPlace,
} from '@accepted/core'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { invalidInput } from '../problem.ts'
import { problemResponses, response, STORE_PROBLEMS } from '../responses.ts'
import { nextQuery } from '../task-reading.ts'

const AuditQuery = Type.Object(
  {
    action: Type.Optional(Type.Enum([...AUDIT_ACTIONS], { description: 'Only such acts' })),
    task_id: Type.Optional(Uuid7('Only acts on this task and its deliveries')),
    created_after: Type.Optional(Moment({ description: 'Only those after it' })),
    created_before: Type.Optional(Moment({ description: 'Only those before it' })),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'Most acts on a page' }),
    cursor: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]+$',
        maxLength: 200,
        description: 'From the link to the next page; opaque',
      }),
    ),
  },
  { additionalProperties: false },
)
type AuditQuery = Static<typeof AuditQuery>

/** `GET /audit`. */
export function auditRoute(app: FastifyInstance, trail: AuditTrail): void {
  app.get(
    '/audit',
    {
      config: { access: ['admin'], load: 'lists' },
      schema: {
        operationId: 'audit.list',
        summary: 'List who did what',
        description:
          'The acts on what is the tenant’s own, newest first; the next page stands in `Link`, if there is one. Stable while acts are added. A number of the newest is kept, so that those of long ago are not there.',
        tags: ['audit'],
        querystring: AuditQuery,
        response: {
          200: response('A page of acts', Type.Array(Type.Ref('AuditEntry'), { maxItems: 200 }), [
            'Link?',
            'Cache-Control',
          ]),
          ...problemResponses('invalid_input', ...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { action, task_id, created_after, created_before, limit, cursor } = request.query as AuditQuery
      const filter = {
        ...(action ? { action } : {}),
        ...(task_id ? { taskId: task_id } : {}),
        ...(created_after ? { afterMs: Date.parse(created_after) } : {}),
        ...(created_before ? { beforeMs: Date.parse(created_before) } : {}),
      }
      const place = cursor === undefined ? undefined : placeOf(cursor)
      const { entries, next } = await trail.list(request.tenant, filter, limit, place)
      if (next) reply.header('link', `</audit${nextQuery(request, cursorOf(next))}>; rel="next"`)
      return reply.header('cache-control', 'private, no-cache').send(entries.map(auditDocument))
    },
  )
}

function cursorOf(place: AuditPlace): string {
  return Buffer.from(auditPlaceText(place)).toString('base64url')
}

function placeOf(cursor: string): AuditPlace {
  const place = readAuditPlace(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (!place || cursorOf(place) !== cursor) {
    throw invalidInput([{ query: 'cursor', detail: 'is not a cursor of this list' }])
  }
  return place
}
