import { type Static, Type } from 'typebox'
import { Count, Line, Nullable, Text, Timestamp, Url } from './schemas.ts'
import { CALLBACK_EVENTS, OneOf } from './status.ts'

/** The lane of callbacks: no operation may have it. */
export const CALLBACK_LANE = 'callbacks'

/** Members that any starting request may have in its body beside the operation's input: no input may have them. */
export const CallbackMembers = Type.Object({
  callback_url: Type.Optional(
    Line({
      maxLength: 2048,
      description:
        'Where callbacks are sent: an http or https URL that leads to public addresses only. The header `Callback-URL` is the same',
      examples: ['https://shop.example/hook'],
    }),
  ),
  callback_events: Type.Optional(
    Type.Array(OneOf(CALLBACK_EVENTS, 'What a callback tells of'), {
      minItems: 1,
      maxItems: 100,
      description:
        'Of what they tell; all but `started` and `progress`, if it is not given. `progress` at most every 500 ms, the newest. The header `Callback-Events` is the same',
      examples: [['completed', 'failed', 'canceled']],
    }),
  ),
})
export type CallbackMembers = Static<typeof CallbackMembers>

const DELIVERY_EXAMPLE = {
  delivery_id: 'dlv_0199a1b2-6f01-7000-9c55-2b7d90aa31c4',
  event: 'completed',
  url: 'https://shop.example/hook',
  status: 'pending',
  next_attempt_at: '2026-11-21T10:00:10.031Z',
  attempts: [
    {
      at: '2026-11-21T10:00:04.530Z',
      http_status: 503,
      error: 'the receiver answered 503',
      duration_ms: 41,
    },
  ],
}

/** The id of a delivery, which is the `webhook-id` of its message. */
export const DeliveryId = (description: string) =>
  Type.String({
    pattern: '^dlv_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
    maxLength: 40,
    description,
    examples: [DELIVERY_EXAMPLE.delivery_id],
  })

/** One message to one URL, and how it goes. */
export const DeliveryDocument = Type.Object(
  {
    delivery_id: DeliveryId('The `webhook-id` of the message'),
    event: OneOf(CALLBACK_EVENTS, 'What it tells of'),
    url: Url('uri', 'Where it goes, without its query'),
    status: OneOf(
      ['pending', 'delivered', 'failed'],
      '`failed`: it is not tried any more, unless that is asked for',
    ),
    next_attempt_at: Nullable(
      Timestamp('When it is tried next; null: it is over, it is being tried, or its turn comes at once'),
    ),
    attempts: Type.Array(
      Type.Object({
        at: Timestamp('When it was begun'),
        http_status: Nullable(
          Type.Integer({ minimum: 100, maximum: 999, description: 'What was answered; null: nothing' }),
        ),
        error: Nullable(Text({ description: 'Why it was no delivery; null: it was' })),
        duration_ms: Count('How long it took'),
      }),
      { maxItems: 100, description: 'The last 100, the first one first' },
    ),
  },
  {
    $id: 'Delivery',
    title: 'Delivery',
    description: 'One message to the callback URL of a task, and the attempts at it',
    examples: [DELIVERY_EXAMPLE],
  },
)
export type DeliveryDocument = Static<typeof DeliveryDocument>

/** A receiver, and how it fares. */
export const EndpointDocument = Type.Object(
  {
    endpoint: Url('uri', 'The origin of the URLs'),
    success_rate: Nullable(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'Share of its last attempts, up to 100, that were deliveries; null: none is over yet',
      }),
    ),
    last_error: Nullable(
      Type.Object(
        {
          at: Timestamp('When it was'),
          error: Text({ description: 'What it was' }),
        },
        { description: 'The last attempt that was no delivery' },
      ),
    ),
    breaker: OneOf(
      ['closed', 'half_open', 'open'],
      '`open`: it does not answer and is let alone until `next_probe_at`; `half_open`: a few deliveries try whether it is well again',
    ),
    next_probe_at: Nullable(Timestamp('When it is tried again, while the breaker is open')),
    backlog: Count('Deliveries that are not over'),
    waiting: Count('Those of them that wait for their turn'),
    running: Count('Those of them that are being sent'),
  },
  {
    $id: 'Endpoint',
    title: 'Endpoint',
    description: 'A receiver of callbacks, by its origin, and how it fares',
    examples: [
      {
        endpoint: 'https://shop.example',
        success_rate: 0.97,
        last_error: { at: '2026-11-21T10:00:04.571Z', error: 'the receiver answered 503' },
        breaker: 'closed',
        next_probe_at: null,
        backlog: 3,
        waiting: 1,
        running: 1,
      },
    ],
  },
)
export type EndpointDocument = Static<typeof EndpointDocument>
