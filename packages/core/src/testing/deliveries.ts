import type { Delivery, DeliveryAttempt, Ending, HeldDelivery, Submission, Verdict } from '../index.ts'
import type { TestStore } from './store.ts'
import { calledBack, createdId } from './tasks.ts'

/** How a test's tasks end. */
export const COMPLETED: Ending = {
  status: 'completed',
  reason: null,
  result: '{"sum":1}',
  resource: null,
  error: null,
}

/** A task with callbacks that has ended; resolves to its id. */
export async function endedTask(store: TestStore, submitted: Submission = calledBack()): Promise<string> {
  const taskId = createdId(await store.submissions.create(submitted))
  await store.work.end((await store.work.claim(0, 'test'))!, COMPLETED)
  return taskId
}

/** An attempt that failed, unless it is said otherwise. */
export function deliveryAttempt(changes: Partial<DeliveryAttempt> = {}): DeliveryAttempt {
  return { atMs: 1_763_678_400_000, httpStatus: 500, error: 'it answered 500', durationMs: 12, ...changes }
}

/** What may follow an attempt. */
export const DELIVERED = {
  follows: 'delivered' as const,
  attempt: deliveryAttempt({ httpStatus: 204, error: null }),
  health: 'well' as const,
} satisfies Verdict
export const RETRY = {
  follows: 'retry' as const,
  delayMs: 5_000,
  attempt: deliveryAttempt(),
  health: 'ill' as const,
} satisfies Verdict
export const FAILED = {
  follows: 'failed' as const,
  attempt: deliveryAttempt(),
  health: 'ill' as const,
} satisfies Verdict

/** The delivery whose turn it is, taken. @throws {Error} if none may be tried */
export async function takeDelivery({ outbox }: TestStore): Promise<HeldDelivery> {
  const delivery = await outbox.take(0)
  if (!delivery) throw new Error('no delivery is to be tried')
  return delivery
}

/** The one delivery of a task. @throws {Error} if it has none, or more */
export async function onlyDelivery(store: TestStore, taskId: string): Promise<Delivery> {
  const found = await store.deliveries.of('default', taskId)
  if (found.outcome !== 'task') throw new Error(found.outcome)
  if (found.deliveries.length !== 1) throw new Error(`it has ${found.deliveries.length} deliveries`)
  return found.deliveries[0]!
}
