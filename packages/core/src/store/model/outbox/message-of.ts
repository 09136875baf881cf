import { type MessageContent, messageBody } from '../../../callbacks/message.ts'
import { movedBack } from '../invariants.ts'

/** The body of a message as if no time had been passed by moving what the store keeps. */
export function messageOf({ event, eventMs, task }: Omit<MessageContent, 'resultLeftOut'>, passedMs: number) {
  const { body: _, ...told } = movedBack(task, passedMs)
  return messageBody({ event, eventMs: eventMs + passedMs, task: told, resultLeftOut: false })
}
