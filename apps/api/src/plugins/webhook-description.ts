const FIELDS = {
  'webhook-id': 'The delivery: the same for every attempt, so that a message which came before is known',
  'webhook-timestamp': 'When this attempt was begun, seconds since 1970',
  'webhook-signature':
    '`v1,` and base64 of HMAC-SHA256, `v1a,` and base64 of Ed25519, of "id.timestamp.body", a space between; two of each during a rotation (Standard Webhooks)',
  traceparent: 'W3C Trace Context: the trace of the request that started the task',
}

/** `webhooks` of the OpenAPI document: what a callback URL is sent. */
export function describedWebhooks(): object {
  return {
    task: {
      post: {
        operationId: 'task.callback',
        summary: 'What the callback URL of a task is sent',
        description:
          'Signed by the Standard Webhooks scheme. Sent until it is answered with 2xx, or 410, by the schedule in the contract; at least once, now and then twice.',
        tags: ['callbacks'],
        parameters: Object.entries(FIELDS).map(([name, description]) => ({
          name,
          in: 'header',
          required: true,
          description,
          schema: { type: 'string' },
        })),
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/CallbackMessage' } } },
        },
        responses: {
          '2XX': { description: 'It has arrived' },
          410: { description: 'No more of it is wanted, ever' },
          default: { description: 'It is sent again; `Retry-After` is obeyed, up to an hour' },
        },
      },
    },
  }
}
