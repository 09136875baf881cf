const headers = {
  'webhook-id': {
    schema: { type: 'string', pattern: '^dlv_[0-9a-f-]{36}$', maxLength: 40 },
    description: 'The delivery, the same for every attempt: by it a message that came before is known',
    example: 'dlv_0199a1b2-6f01-7000-9c55-2b7d90aa31c4',
  },
  'webhook-timestamp': {
    schema: { type: 'string', pattern: '^[0-9]{10,}$', maxLength: 15 },
    description: 'Of this attempt, in seconds since 1970',
    example: '1763678400',
  },
  'webhook-signature': {
    schema: { type: 'string', pattern: '^v1a?,[A-Za-z0-9+/]+=*( v1a?,[A-Za-z0-9+/]+=*)*$', maxLength: 400 },
    description:
      'Standard Webhooks: of `webhook-id`, `webhook-timestamp` and the body, joined by dots. `v1` is HMAC-SHA256 by the secret of the tenant, `v1a` Ed25519 by a key of `/.well-known/jwks.json`; two of each during a rotation',
    example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  },
  traceparent: {
    schema: { type: 'string', pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$', maxLength: 55 },
    description:
      'The trace of the request that started the task, in a span of this attempt (W3C Trace Context)',
    example: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  },
}

/** What is sent to callback URLs, as OpenAPI tells it. */
export const WEBHOOKS = {
  task: {
    post: {
      operationId: 'callback.receive',
      summary: 'A task has started, got on, ended or awaits confirmation',
      description:
        'Sent to the `callback_url` of a task, at least once for each of its `callback_events`; it may come twice, and overtake others. Verify it, and take each `webhook-id` once.',
      tags: ['callbacks'],
      parameters: Object.entries(headers).map(([name, header]) => ({
        name,
        in: 'header',
        required: true,
        ...header,
      })),
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/CallbackMessage' } } },
      },
      responses: {
        '2XX': { description: 'It is delivered. Nothing else of the answer counts' },
        410: { description: 'It is not tried any more' },
        default: {
          description:
            'It is tried again by the schedule, or at `Retry-After` if that is later; redirects are not followed',
        },
      },
    },
  },
}
