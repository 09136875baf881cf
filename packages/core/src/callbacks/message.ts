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
  if (!isTooLong(whole)) return whole
  const { result, ...rest } = task
  const noResult = resultLeftOut || result !== undefined
  // What attempts said may be as long: of them the first ones go.
  for (let { attempts } = task; ; attempts = attempts.slice(1)) {
    const body = bodyOf(event, eventMs, { ...rest, attempts }, callback.base, noResult)
    if (!isTooLong(body) || attempts.length === 0) return body
  }
}

function isTooLong(body: string): boolean {
  return Buffer.byteLength(body) > LONGEST_MESSAGE_BYTES
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
