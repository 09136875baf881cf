import { type CallbackEvent, SEE_OTHER_WORDS } from '@accepted/contract'
import type { HeldDelivery } from '../store/outbox.ts'
import type { TaskRecord } from '../store/record.ts'
import { taskDocument, timestamp } from '../task-document.ts'

/** Longer bodies are not sent: what makes them long is left out. */
export const LONGEST_MESSAGE_BYTES = 20_000

/** What a message tells of. */
export interface MessageContent {
  event: CallbackEvent
  eventMs: number
  /** The task as it was then. */
  task: TaskRecord
  resultLeftOut: boolean
}

/**
 * The body of a callback, JSON text: fixed by its event, the same for every attempt. So it has no estimates, which are of a moment:
 * `eta` and `queue_position` are null until the task has ended.
 *
 * @throws {TypeError} if the task has no callbacks
 */
export function messageBody({ event, eventMs, task, resultLeftOut }: MessageContent): string {
  const { callback } = task.head
  if (!callback) throw new TypeError('a task without callbacks has no messages')
  const whole = bodyOf(event, eventMs, task, callback.base, resultLeftOut)
  if (task.result === undefined || Buffer.byteLength(whole) <= LONGEST_MESSAGE_BYTES) return whole
  const { result: _, ...rest } = task
  return bodyOf(event, eventMs, rest, callback.base, true)
}

function bodyOf(
  event: CallbackEvent,
  eventMs: number,
  task: TaskRecord,
  base: string,
  resultLeftOut: boolean,
): string {
  const self = `${base}/tasks/${task.taskId}`
  const links = [{ rel: 'task', href: self }]
  if (resultLeftOut) links.push({ rel: 'result', href: self })
  if (task.resource && task.head.collection) {
    links.push({ rel: task.head.collection, href: base + task.resource })
  }
  const estimate = { etaMs: task.finishedMs === null ? null : 0, soonestMs: null, queuePosition: null }
  const data = taskDocument(task, estimate, { base }, 'told')
  return (
    `{"type":"task.${event}","timestamp":"${timestamp(eventMs)}","status":"${SEE_OTHER_WORDS[task.status]}",` +
    `"links":${JSON.stringify(links)},"data":${data}}`
  )
}

/** The `webhook-id` of a delivery: the same for every attempt. */
export function messageId({ deliveryId }: Pick<HeldDelivery, 'deliveryId'>): string {
  return `dlv_${deliveryId}`
}
