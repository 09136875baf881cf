import { Type } from 'typebox'
import { Timestamp, Url } from './schemas.ts'
import { CALLBACK_EVENTS, OneOf } from './status.ts'
import { MOST_LINKS, SEE_OTHER_WORDS, TASK_EXAMPLE, Task } from './task.ts'

const BASE = 'https://api.example'

const AbsoluteLink = {
  rel: Task.properties.links.items.properties.rel,
  href: Url('uri', 'Absolute'),
}

const { pending: _pending, ...words } = SEE_OTHER_WORDS
const { request: _request, links, ...told } = Task.properties
const { request: _shown, ...example } = TASK_EXAMPLE

/** The body of a callback. */
export const CallbackMessage = Type.Object(
  {
    type: OneOf(
      CALLBACK_EVENTS.map((event) => `task.${event}` as const),
      'What happened',
    ),
    timestamp: Timestamp('When it happened'),
    status: OneOf([...new Set(Object.values(words))], 'State of the task in one word'),
    links: Type.Array(Type.Object(AbsoluteLink), {
      maxItems: MOST_LINKS,
      description:
        'The `task`; its `result`, if that is too long for the message; the resource under the name of its collection',
    }),
    data: Type.Object(
      {
        ...told,
        links: Type.Array(Type.Object({ ...AbsoluteLink, method: links.items.properties.method }), {
          maxItems: MOST_LINKS,
          description: 'What could be done then',
        }),
      },
      {
        description:
          'The task as it was then: the task document without `request`. Links, and the `type` of errors, are absolute; `eta` and `queue_position` are null until it has ended',
      },
    ),
  },
  {
    $id: 'CallbackMessage',
    title: 'Message',
    description:
      'What a callback brings: fixed by its event, the same bytes in every attempt, at most 20,000',
    examples: [
      {
        type: 'task.started',
        timestamp: TASK_EXAMPLE.updated_at,
        status: 'IN_PROGRESS',
        links: [{ rel: 'task', href: `${BASE}/tasks/${TASK_EXAMPLE.task_id}` }],
        data: {
          ...example,
          eta: null,
          callback_events: ['started', 'completed', 'failed', 'canceled'],
          links: TASK_EXAMPLE.links.map((link) => ({ ...link, href: BASE + link.href })),
        },
      },
    ],
  },
)
