import { type Static, Type } from 'typebox'
import { CALLBACK_EVENTS, OneOf } from './status.ts'
import { SEE_OTHER_WORDS, TASK_EXAMPLE, Task } from './task.ts'

const { request: _, ...toldMembers } = Task.properties
const { request: __, ...toldExample } = TASK_EXAMPLE

/** The body of a callback. */
export const CallbackMessage = Type.Object(
  {
    type: OneOf(
      CALLBACK_EVENTS.map((event) => `task.${event}` as const),
      'What it tells of',
    ),
    timestamp: Type.String({ format: 'date-time', description: 'When that happened' }),
    status: OneOf([...new Set(Object.values(SEE_OTHER_WORDS))], 'How the task stood then, in one word'),
    links: Type.Array(
      Type.Object({
        rel: Type.String({
          description:
            '`task`; the collection of the resource that it made; `result`, if the result is left out here',
        }),
        href: Type.String({ format: 'uri', description: 'Absolute' }),
      }),
      { description: 'Where to read on' },
    ),
    data: Type.Object(toldMembers, {
      description:
        'The task as it was then, without its request; links are absolute. `eta` and `queue_position` are null until it has ended; `result` is null if it is too long for a message',
    }),
  },
  {
    $id: 'CallbackMessage',
    title: 'Message to a callback URL',
    description: 'At most 20,000 bytes, the same for every attempt',
    examples: [
      {
        type: 'task.progress',
        timestamp: TASK_EXAMPLE.updated_at,
        status: 'IN_PROGRESS',
        links: [{ rel: 'task', href: `https://host.example/tasks/${TASK_EXAMPLE.task_id}` }],
        data: {
          ...toldExample,
          eta: null,
          links: toldExample.links.map((link) => ({ ...link, href: `https://host.example${link.href}` })),
        },
      },
    ],
  },
)
export type CallbackMessage = Static<typeof CallbackMessage>
