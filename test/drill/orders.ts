import type { Task } from '@accepted/contract'

/** What a client wanted, what it was told, and what it saw since. */
export interface Order {
  /** Stands in what it sent, where there is room for it: whatever exists of it can be told by that. */
  marker: string
  kind: 'car' | 'reservation' | 'read' | 'report'
  path: string
  method: 'GET' | 'POST'
  body: object | undefined
  /** With an Idempotency-Key it repeats what it got no answer to, or a 503. */
  key: string | undefined
  callbackUrl: string | undefined
  /**
   * `refused`: by a 503, whenever it asked. `unknown`: not accepted, and once at least the answer did not come.
   */
  answer: 'accepted' | 'refused' | 'unknown'
  taskId: string | undefined
  /** What it did to its task, as far as it was told that this was done. */
  done: Set<'cancel' | 'confirm' | 'delete'>
  /** It asked for its task to be deleted, whatever it was told. */
  deleteAsked: boolean
  /** How it learns of its task. */
  by: 'polls' | 'events'
  /** The last version that it saw, and the status. */
  seen: { version: number; status: string } | undefined
}

/** Notes what a client sees of its task. @returns in words what cannot be, if anything */
export function see(order: Order, task: Pick<Task, 'version' | 'status'>): string | undefined {
  const { version } = task
  const status = String(task.status)
  const before = order.seen
  order.seen = { version, status }
  if (!before) return undefined
  if (version < before.version) return `${order.taskId}: version ${version} was seen after ${before.version}`
  if (version === before.version && status !== before.status)
    return `${order.taskId}: version ${version} was ${before.status} and ${status}`
  if (version > before.version && isOver(before.status) && status !== before.status)
    return `${order.taskId}: ${before.status} became ${status}`
  return undefined
}

export function isOver(status: string): boolean {
  return ['completed', 'failed', 'canceled'].includes(status)
}
