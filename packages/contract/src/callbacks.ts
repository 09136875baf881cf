import { type Static, Type } from 'typebox'
import { CALLBACK_EVENTS, OneOf } from './status.ts'

/** The lane of callbacks: no operation may have it. */
export const CALLBACK_LANE = 'callbacks'

/** Members that any starting request may have in its body beside the operation's input: no input may have them. */
export const CallbackMembers = Type.Object({
  callback_url: Type.Optional(
    Type.String({
      maxLength: 2048,
      description:
        'Where callbacks are sent: an http or https URL that leads to public addresses only. The header `Callback-URL` is the same',
      examples: ['https://shop.example/hook'],
    }),
  ),
  callback_events: Type.Optional(
    Type.Array(OneOf(CALLBACK_EVENTS, 'What a callback tells of'), {
      minItems: 1,
      description:
        'Of what they tell; all but `started` and `progress`, if it is not given. `progress` at most every 500 ms, the newest. The header `Callback-Events` is the same',
      examples: [['completed', 'failed', 'canceled']],
    }),
  ),
})
export type CallbackMembers = Static<typeof CallbackMembers>
