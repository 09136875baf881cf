import type { Delivery, DeliveryAttempt } from '@accepted/core'
import type { Receipt } from './receiver.ts'

/** A task that has ended, as its record tells. */
export interface EndedTask {
  taskId: string
  status: string
  wasStarted: boolean
  deliveries: KnownDelivery[]
}

/** A delivery as its sender has it. `takes`: how often a worker took it. */
export type KnownDelivery = Pick<Delivery, 'deliveryId' | 'event' | 'status' | 'attempts'> & { takes: number }

/** What a run came to. Whatever is listed is a fault, in words; all else are counts. */
export interface Judgement {
  /** Messages that had to come: that each task was started, and how it ended. */
  expected: number
  /** Those that never came. */
  missing: string[]
  /** What came that nobody can have sent, or what is told under two ids. */
  odd: string[]
  /** Times that a message was taken by its receiver though it had been before. */
  duplicates: number
  /** Those of them that followed an attempt whose worker was killed in it. */
  byKills: number
  /** … an attempt that ended, for its sender, without an answer. */
  byConnections: number
  unexplained: string[]
  /** Attempts whose outcome was never told by a worker. */
  lostAttempts: number
  /** Those of them that were not under way when a worker was killed. */
  lostWithoutKill: string[]
}

/** A first attempt that fails within this time without an answer is made once more at once, in the same hands. */
const QUICK_MS = 1_000

/**
 * Holds what came against what had to come.
 *
 * @param kills the deliveries that workers held when one was killed, for each kill
 */
export function judge(tasks: EndedTask[], receipts: Receipt[], kills: ReadonlySet<string>[]): Judgement {
  const found: Judgement = {
    expected: 0,
    missing: [],
    odd: [],
    duplicates: 0,
    byKills: 0,
    byConnections: 0,
    unexplained: [],
    lostAttempts: 0,
    lostWithoutKill: [],
  }
  const known = new Map(tasks.flatMap(({ deliveries }) => deliveries.map((one) => [one.deliveryId, one])))
  const byTask = Map.groupBy(receipts, ({ taskId }) => taskId)
  for (const task of tasks) judgeTask(task, byTask.get(task.taskId) ?? [], found)
  for (const delivery of known.values()) judgeLosses(delivery, kills, found)
  const taskIds = new Set(tasks.map(({ taskId }) => taskId))
  for (const receipt of receipts) {
    const delivery = known.get(idOf(receipt))
    if (delivery) judgeReceipt(receipt, delivery, found)
    // Progress of which there was newer word is forgotten.
    else if (receipt.event !== 'progress' || !taskIds.has(receipt.taskId)) {
      found.odd.push(`${receipt.id} (${receipt.event} of ${receipt.taskId}) is nobody's`)
    }
  }
  return found
}

function judgeTask({ taskId, status, wasStarted, deliveries }: EndedTask, came: Receipt[], found: Judgement) {
  const expected = wasStarted ? ['started', status] : [status]
  const once = new Set(['started', 'completed', 'failed', 'canceled'])
  found.expected += expected.length
  for (const event of expected) {
    const taken = came.filter((receipt) => receipt.event === event && receipt.taken > 0)
    if (taken.length === 0) found.missing.push(`${event} of ${taskId}`)
  }
  for (const [event, receipts] of Map.groupBy(came, (receipt) => receipt.event)) {
    if (!once.has(event)) continue
    if (!expected.includes(event)) found.odd.push(`${event} was told of ${taskId}, which ${status}`)
    if (receipts.length > 1) found.odd.push(`${event} of ${taskId} was told under ${receipts.length} ids`)
  }
  const ids = new Set(came.filter(({ taken }) => taken > 0).map(idOf))
  for (const { deliveryId, event, status: outcome, attempts } of deliveries) {
    if (outcome !== 'delivered') {
      found.odd.push(
        `${event} of ${taskId} is ${outcome} after ${attempts.length}: ${attempts.at(-1)?.error}`,
      )
    }
    if (outcome === 'delivered' && !ids.has(deliveryId) && !expected.includes(event))
      found.missing.push(`${event} of ${taskId}`)
  }
}

function judgeLosses(delivery: KnownDelivery, kills: ReadonlySet<string>[], found: Judgement) {
  const lost = lostOf(delivery)
  found.lostAttempts += lost
  const held = kills.filter((kill) => kill.has(delivery.deliveryId)).length
  if (lost > held) {
    found.lostWithoutKill.push(`${delivery.deliveryId}: ${lost} lost, ${held} under way at a kill`)
  }
}

function judgeReceipt(receipt: Receipt, delivery: KnownDelivery, found: Judgement) {
  const duplicates = Math.max(0, receipt.taken - 1)
  const lost = lostOf(delivery)
  const unanswered = delivery.attempts.filter(isUnanswered).length
  found.duplicates += duplicates
  found.byKills += Math.min(duplicates, lost)
  found.byConnections += Math.min(duplicates - Math.min(duplicates, lost), unanswered)
  if (duplicates > lost + unanswered || receipt.arrived > delivery.attempts.length + lost) {
    found.unexplained.push(
      `${receipt.id} came ${receipt.arrived} times and was taken ${receipt.taken}: ` +
        `${delivery.attempts.length} attempts, ${unanswered} without an answer, ${lost} lost`,
    )
  }
}

/** Each time that it was taken by a worker ends with an attempt that is told; with two, if the first was to be repeated at once. */
function lostOf({ takes, attempts }: KnownDelivery): number {
  const [first] = attempts
  const repeated = first && isUnanswered(first) && first.durationMs < QUICK_MS ? 1 : 0
  return takes - (attempts.length - repeated)
}

function isUnanswered({ httpStatus }: DeliveryAttempt): boolean {
  return httpStatus === null
}

function idOf({ id }: Receipt): string {
  return id.replace(/^dlv_/, '')
}
