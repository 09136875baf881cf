import type { CallbackEvent } from '@accepted/contract'
import { shardOfId } from '../ids.ts'
import { decodeRecord, type TaskRecord } from './record.ts'
import type { ScriptArgument, Scripts } from './scripts.ts'
import { TickBatcher } from './tick-batcher.ts'

const LARGEST_BATCH = 50

/** A delivery in the hands of a worker. The token fences it: only the latest holder's word counts. */
export interface HeldDelivery {
  /** Without its prefix. */
  deliveryId: string
  token: string
  event: CallbackEvent
  /** When it happened. */
  eventMs: number
  /** The task as it was then, without its body. */
  task: TaskRecord
  /** Whether the task has a result that is too long for a message. */
  resultLeftOut: boolean
  /** Attempts that were made. */
  tries: number
  /** Delays of the schedule that were used up. */
  stage: number
}

/** One POST, and what came of it. */
export interface DeliveryAttempt {
  /** On Redis's clock, ms since the epoch. */
  atMs: number
  /** Null: no answer came. */
  httpStatus: number | null
  /** For whoever looks at its deliveries; null if it was delivered. */
  error: string | null
  durationMs: number
}

/** `so_so`: it answers, if not as it should; that tells nothing of the health of its other receivers. */
export type EndpointHealth = 'well' | 'ill' | 'so_so'

/**
 * What follows an attempt. `again`: the holder tries once more at once. `release`: it was not tried, and waits as if it had not been
 * taken; all others have an attempt to tell of.
 */
export type Verdict =
  | { follows: 'delivered' | 'failed' | 'again'; attempt: DeliveryAttempt; health: EndpointHealth }
  | { follows: 'retry'; delayMs: number; attempt: DeliveryAttempt; health: EndpointHealth }
  | { follows: 'release'; delayMs: number }

/** What deliveries are held by. Durations in ms. */
export interface OutboxTerms {
  /** Longer than any attempt takes: a holder that has said nothing for so long is lost. */
  leaseMs: number
  /** How long an ended task is kept; anew when a delivery of it fails for good. */
  retentionMs: number
  /** How long a receiver that does not answer is let alone first; each failed probe doubles it, up to a minute. */
  firstPauseMs: number
  /** What waited so long for an endpoint that still does not answer fails. */
  wholeScheduleMs: number
}

/** What the worker does with deliveries. */
export class Outbox {
  readonly #takes: TickBatcher<null, unknown[]>[]
  readonly #settles: TickBatcher<ScriptArgument[], string>[]
  readonly #leaseMs: number

  constructor(scripts: Scripts, { leaseMs, retentionMs, firstPauseMs, wholeScheduleMs }: OutboxTerms) {
    this.#leaseMs = leaseMs
    const shards = Array.from({ length: scripts.shards }, (_, shard) => shard)
    const terms = [retentionMs, firstPauseMs, wholeScheduleMs].map(Math.ceil)
    this.#takes = shards.map((shard) => {
      return new TickBatcher(async (items) => {
        const { answer } = await scripts.run('take-delivery', shard, [leaseMs, items.length])
        return answer as unknown[][]
      }, LARGEST_BATCH)
    })
    this.#settles = shards.map((shard) => {
      return new TickBatcher(async (items) => {
        const { answer } = await scripts.run('settle-delivery', shard, [...terms, ...items.flat()])
        return answer as string[]
      }, LARGEST_BATCH)
    })
  }

  /**
   * Takes the delivery whose turn it is; null if none may be tried now.
   *
   * @throws {StoreUnavailable}
   */
  async take(shard: number): Promise<HeldDelivery | null> {
    const [outcome, ...rest] = await this.#takes[shard]!.add(null)
    if (outcome === 'none') return null
    const [deliveryId, token, taskId, event, eventMs, tries, stage, leftOut, record] = rest as [
      ...[string, string, string, CallbackEvent, number, number, number, string, string],
    ]
    const task = decodeRecord(taskId, record)
    return { deliveryId, token, event, eventMs, task, resultLeftOut: leftOut === '1', tries, stage }
  }

  /**
   * `stale`: another holds it now, or it is gone; nothing was written.
   *
   * @throws {StoreUnavailable}
   */
  async settle({ deliveryId, token }: HeldDelivery, verdict: Verdict): Promise<'ok' | 'stale'> {
    const { follows } = verdict
    const delayMs = 'delayMs' in verdict ? Math.ceil(verdict.delayMs) : 0
    const [attempt, health] = follows === 'release' ? [null, ''] : [verdict.attempt, verdict.health]
    const outcome = await this.#settles[shardOfId(deliveryId)]!.add([
      deliveryId,
      token,
      follows,
      delayMs,
      attempt ? attemptText(attempt) : '',
      health,
      attempt?.error ?? '',
      this.#leaseMs,
    ])
    return outcome as 'ok' | 'stale'
  }
}

function attemptText({ atMs, httpStatus, durationMs, error }: DeliveryAttempt): string {
  return `${Math.floor(atMs)} ${httpStatus ?? 0} ${Math.round(durationMs)} ${error ?? ''}`
}

/** Reads an attempt as the scripts keep it. */
export function decodeDeliveryAttempt(text: string): DeliveryAttempt {
  const [, at, httpStatus, duration, error] = /^(\d+) (\d+) (\d+) (.*)$/s.exec(text)!
  return {
    atMs: Number(at),
    httpStatus: Number(httpStatus) || null,
    durationMs: Number(duration),
    error: error || null,
  }
}
