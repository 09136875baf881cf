import { AUDIT_ACTIONS, Moment, PAGE_MAX_ITEMS, Uuid7 } from '@accepted/contract'
import { type AuditTrail, auditDocument, auditPlaceText, readAuditPlace } from '@accepted/core'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { cursorOf, nextQuery, pageQuery, placeOf } from '../paging.ts'
import type { RequestQuota } from '../quotas/request-quota.ts'
import { problemResponses, response, STORE_PROBLEMS } from '../responses.ts'

const AuditQuery = Type.Object(
  {
    action: Type.Optional(Type.Enum([...AUDIT_ACTIONS], { description: 'Only such acts' })),
    task_id: Type.Optional(Uuid7('Only acts on this task and its deliveries')),
    created_after: Type.Optional(Moment({ description: 'Only those after it' })),
    created_before: Type.Optional(Moment({ description: 'Only those before it' })),
    ...pageQuery('Most acts on a page'),
  },
  { additionalProperties: false },
)
type AuditQuery = Static<typeof AuditQuery>

/** Acts that take Redis as long to look at as an entry of other lists. */
const LOOKS_AN_ENTRY = 10

/** `GET /audit`. */
export function auditRoute(app: FastifyInstance, trail: AuditTrail, quota: RequestQuota | undefined): void {
  app.get(
    '/audit',
    {
      config: { access: ['admin'], load: 'lists' },
      schema: {
        operationId: 'audit.list',
        summary: 'List who did what',
        description:
          'The acts on what is the tenant’s own, newest first; the next page stands in `Link`, if there is one. Stable while acts are added. A page of a filter may have fewer than `limit`, or none, and still lead on. A number of the newest is kept, so that those of long ago are not there.',
        tags: ['audit'],
        querystring: AuditQuery,
        response: {
          200: response('A page of acts', Type.Array(Type.Ref('AuditEntry'), { maxItems: PAGE_MAX_ITEMS }), [
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
      const place = cursor === undefined ? undefined : placeOf(cursor, readAuditPlace)
      const { entries, next, looks } = await trail.list(request.tenant, filter, limit, place)
      await quota?.countEntries(request.tenant, Math.max(entries.length, looks / LOOKS_AN_ENTRY), reply)
      if (next) {
        const query = nextQuery(request, cursorOf(auditPlaceText(next)))
        reply.header('link', `</audit${query}>; rel="next"`)
      }
      return reply.header('cache-control', 'private, no-cache').send(entries.map(auditDocument))
    },
  )
}
