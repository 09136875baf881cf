import type { CallbackEvent } from '@accepted/contract'
import { type ActedBy, actedByText } from '../audit/acted-by.ts'
import { isId, shardOfId, shardOfTenant } from '../ids.ts'
import { type Absent, absentOf } from './control.ts'
import { originOf } from './endpoints.ts'
import { StoreUnavailable } from './outage.ts'
import { type DeliveryAttempt, decodeDeliveryAttempt } from './outbox.ts'
import type { Callback, TaskHead } from './record.ts'
import type { Scripts } from './scripts.ts'
import { ACCEPT_WITHIN_MS } from './submissions.ts'

/** One message to one URL, as its client may see it. */
export interface Delivery {
  /** Without its prefix. */
  deliveryId: string
  event: CallbackEvent
  status: 'pending' | 'delivered' | 'failed'
  /** Null: it is over, it is being tried, or its turn comes at once. */
  nextAttemptMs: number | null
  /** The last 100, the first one first. */
  attempts: DeliveryAttempt[]
}

/** How a receiver fares. Times in ms since the epoch. */
export interface Endpoint {
  origin: string
  /** Deliveries that are still tried, those that wait for their next attempt included. */
  backlog: number
  /** Those of them that wait for their turn, and those that are being sent. */
  waiting: number
  running: number
  /** Share of its last attempts (up to 100) that were deliveries, 0…1; null before the first one is over. */
  successRate: number | null
  lastError: { atMs: number; error: string } | null
  /** `open`: it is let alone until `probeMs`. `half_open`: a few are let through, to see whether it is well again. */
  breaker: 'closed' | 'half_open' | 'open'
  probeMs: number | null
}

/** `no_delivery`: the task has none of that id. */
export type RedeliverOutcome = { outcome: 'redelivered' } | { outcome: 'no_delivery' } | Absent

/** Which failed deliveries are tried anew: those whose events happened from `sinceMs` to before `untilMs`. */
export interface RecoveryScope {
  /** Of one receiver only. */
  origin?: string
  sinceMs: number
  untilMs: number
}

/** What a client sees of its callbacks, and does with them. */
export class Deliveries {
  readonly #scripts: Scripts

  constructor(scripts: Scripts) {
    this.#scripts = scripts
  }

  /**
   * The deliveries of a task, the first one first, and where they go; none if it has no callbacks.
   *
   * @throws {StoreUnavailable}
   */
  async of(
    tenant: string,
    taskId: string,
  ): Promise<{ outcome: 'task'; callback: Callback | null; deliveries: Delivery[] } | Absent> {
    if (shardOfId(taskId) >= this.#scripts.shards) return { outcome: 'unknown' }
    const { answer } = await this.#scripts.run('list-deliveries', shardOfId(taskId), [tenant, taskId])
    const [word, ...rest] = answer as [string, ...unknown[]]
    if (word !== 'task') return absentOf(word, rest)
    const [head, ...deliveries] = rest as [string, ...[string, string, string][]]
    return {
      outcome: 'task',
      callback: (JSON.parse(head) as TaskHead).callback ?? null,
      deliveries: deliveries.map(decodeDelivery),
    }
  }

  /**
   * Tries a delivery now, whatever came of it, with the full schedule after it.
   *
   * @param by who asks for it; without it the trail does not tell of it
   * @throws {StoreUnavailable}
   */
  async redeliver(
    tenant: string,
    taskId: string,
    deliveryId: string,
    by?: ActedBy,
  ): Promise<RedeliverOutcome> {
    if (shardOfId(taskId) >= this.#scripts.shards) return { outcome: 'unknown' }
    if (!isId(deliveryId)) return { outcome: 'no_delivery' }
    const acceptBy = Math.floor((await this.#scripts.now()) + ACCEPT_WITHIN_MS)
    const sent = [tenant, taskId, deliveryId, acceptBy, actedByText(by)]
    const { answer } = await this.#scripts.run('redeliver', shardOfId(taskId), sent)
    const [word, ...rest] = answer as [string, ...unknown[]]
    if (word === 'late') throw new StoreUnavailable('the act reached Redis too late')
    if (word === 'ok') return { outcome: 'redelivered' }
    return word === 'no_delivery' ? { outcome: word } : absentOf(word, rest)
  }

  /**
   * Goes on with a recovery: tries failed deliveries anew, each once, the oldest first and behind all others: so many that
   * `mostWaiting` wait at an endpoint, and one at an endpoint that is not well. Events that come after it began are not of it.
   *
   * @param recovery names it; what it has done is remembered for a week
   * @returns `tried`: how many, from its beginning; `left`: how many are yet to be
   * @throws {StoreUnavailable}
   */
  async recover(
    tenant: string,
    recovery: string,
    { origin = '', sinceMs, untilMs }: RecoveryScope,
    mostWaiting: number,
  ): Promise<{ tried: number; left: number }> {
    const shard = shardOfTenant(tenant, this.#scripts.shards)
    const sent = [tenant, recovery, origin, Math.ceil(sinceMs), Math.ceil(untilMs), mostWaiting]
    const { answer } = await this.#scripts.run('recover', shard, sent)
    const [tried, left] = answer as [number, number]
    return { tried, left }
  }

  /**
   * The receivers that a tenant's callbacks went to within the last week, the last used first, at most 1,000.
   *
   * @throws {StoreUnavailable}
   */
  async endpoints(tenant: string): Promise<Endpoint[]> {
    const shard = shardOfTenant(tenant, this.#scripts.shards)
    const { answer } = await this.#scripts.run('list-endpoints', shard, [tenant])
    return (answer as [string, number, number, string[]][]).map(decodeEndpoint)
  }
}

function decodeDelivery([deliveryId, next, text]: [string, string, string]): Delivery {
  const flat = text.split('\u001f')
  const fields = new Map<string, string>()
  const attempts: [number, DeliveryAttempt][] = []
  for (let at = 0; at < flat.length; at += 2) {
    const [name, value] = [flat[at]!, flat[at + 1]!]
    if (name.startsWith('attempt:')) attempts.push([Number(name.slice(8)), decodeDeliveryAttempt(value)])
    else fields.set(name, value)
  }
  return {
    deliveryId,
    event: fields.get('event') as CallbackEvent,
    status: fields.get('status') as Delivery['status'],
    nextAttemptMs: next ? Number(next) : null,
    attempts: attempts.sort(([a], [b]) => a - b).map(([, attempt]) => attempt),
  }
}

function decodeEndpoint([flow, waiting, running, flat]: [string, number, number, string[]]): Endpoint {
  const fields = new Map<string, string>()
  for (let at = 0; at < flat.length; at += 2) fields.set(flat[at]!, flat[at + 1]!)
  const recent = fields.get('recent') ?? ''
  const delivered = recent.replaceAll('0', '').length
  const cap = fields.get('cap')
  const probe = fields.get('probe')
  const errorAt = fields.get('error_at')
  return {
    origin: originOf(flow),
    backlog: Number(fields.get('pending') ?? 0),
    waiting,
    running,
    successRate: recent ? delivered / recent.length : null,
    lastError: errorAt ? { atMs: Number(errorAt), error: fields.get('error')! } : null,
    breaker: cap === undefined ? 'closed' : cap === '0' ? 'open' : 'half_open',
    probeMs: probe ? Number(probe) : null,
  }
}
