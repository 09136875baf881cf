import { Type } from 'typebox'
import { defineOperation } from './operation.ts'
import { Count, Line, Moment } from './schemas.ts'
import { OneOf } from './status.ts'

/** The recovery after a receiver's outage: the one operation that comes with the house. */
export const redeliverCallbacks = defineOperation({
  name: 'callbacks.redeliver',
  route: 'POST /deliveries/redeliver',
  summary: 'Try failed deliveries again',
  description:
    'Tries every delivery of a time that has failed once more, the oldest first, each with the full schedule. It goes no faster than the receivers take them: few at a time, behind new messages, and one that does not answer is waited for. Completes when all have their turn.',
  tag: 'callbacks',
  input: Type.Object({
    since: Moment({
      description: 'Those that tell of events from then on; RFC 3339, any offset',
      examples: ['2026-11-21T08:00:00Z'],
    }),
    until: Moment({
      description: 'Up to before then, and no later than now; RFC 3339, any offset',
      examples: ['2026-11-21T10:00:00Z'],
    }),
    endpoint: Type.Optional(
      Line({
        maxLength: 2048,
        description: 'Those to one receiver only, by its origin as `GET /endpoints` tells it',
        examples: ['https://shop.example'],
      }),
    ),
    status: OneOf(['failed'], 'Those that are not tried any more'),
  }),
  output: Type.Object({
    redelivered: Count('How many were tried again'),
  }),
  check: ({ since, until, endpoint }) => [
    ...(Date.parse(since) < Date.parse(until) ? [] : [{ member: 'until', detail: 'must be after since' }]),
    ...(endpoint === undefined || isOrigin(endpoint)
      ? []
      : [{ member: 'endpoint', detail: 'must be an origin such as https://shop.example' }]),
  ],
  timeouts: { runSeconds: 24 * 60 * 60 },
})

/** Whether it is an http or https URL of nothing but a host, and perhaps a port. */
function isOrigin(text: string): boolean {
  if (!/^https?:\/\/[^/?#@\s\\]+\/?$/i.test(text) || !URL.canParse(text)) return false
  return !new URL(text).hostname.endsWith('.')
}
