import {
  type CallbackSigner,
  type HeldDelivery,
  type Logger,
  messageBody,
  messageId,
  type Outbox,
  randomHex,
  SealError,
  StoreUnavailable,
  type Verdict,
} from '@accepted/core'
import { persist } from '../persist.ts'
import type { GuardedAgent } from './guarded-agent.ts'
import type { Schedule } from './schedule.ts'
import { sendCallback } from './send.ts'
import { verdictOf } from './verdict.ts'

/** A message that cannot be signed, or made, waits so long for whoever can mend it. */
const UNFIT_DELAY_MS = 60_000
/** After an outage of the store that a message met. */
const STORE_PAUSE_MS = 1_000

/** What the deliverer needs. */
export interface DelivererDependencies {
  outbox: Outbox
  /** Undefined: there is no key of secrets. */
  signer: CallbackSigner | undefined
  agent: GuardedAgent
  schedule: Schedule
  /** How long one attempt may take in all. */
  timeoutMs: number
  userAgent: string
  /** Redis's time, ms; known once it was read from or written to. */
  now: () => number
  log: Logger
  /** 0 ≤ x < 1 */
  random: () => number
}

/**
 * Sends callbacks: takes a delivery, makes an attempt, tells what came of it. A message whose worker dies in between is sent again by
 * another, so a receiver may get it twice, under the same `webhook-id`.
 */
export class Deliverer {
  readonly #deps: DelivererDependencies
  readonly #stopping = new AbortController()
  #held = 0

  constructor(deps: DelivererDependencies) {
    this.#deps = deps
  }

  /** Gives up the attempts that are under way; their deliveries go back to their flows. */
  stop(): void {
    this.#stopping.abort()
  }

  /** Whether it holds nothing. */
  get idle(): boolean {
    return this.#held === 0
  }

  /** Takes the delivery whose turn it is and tries it; resolves to whether there was one. */
  async deliverNext(shard: number): Promise<boolean> {
    const held = await this.#deps.outbox.take(shard)
    if (!held) return false
    this.#held += 1
    try {
      await this.#deliver(held)
    } finally {
      this.#held -= 1
    }
    return true
  }

  async #deliver(held: HeldDelivery): Promise<void> {
    const { task, event } = held
    const log = this.#deps.log.child({
      task: task.taskId,
      delivery: held.deliveryId,
      event,
      request: task.head.requestId,
      trace: task.head.traceparent.split('-')[1],
    })
    for (let tries = held.tries; ; tries += 1) {
      const verdict = await this.#try({ ...held, tries }, log)
      const outcome = await persist(() => this.#deps.outbox.settle(held, verdict), log)
      if (outcome === 'stale') return log.warn('fenced off: another worker has the delivery, or it is gone')
      log.info(told(verdict), 'callback tried')
      if (verdict.follows !== 'again') return
    }
  }

  async #try(held: HeldDelivery, log: Logger): Promise<Verdict> {
    const { agent, schedule, timeoutMs, now, random } = this.#deps
    const atMs = now()
    try {
      const { url, headers, body } = await this.#messageOf(held, atMs)
      const { signal } = this.#stopping
      const outcome = await sendCallback(agent, { url, headers, body, signal, timeoutMs })
      return verdictOf(outcome, held, schedule, atMs, random())
    } catch (error) {
      // No fault of the receiver: none of its attempts is used up.
      if (error instanceof StoreUnavailable) {
        log.warn({ err: error }, 'the store was away when the secrets were asked for')
        return { follows: 'release', delayMs: STORE_PAUSE_MS }
      }
      log.error(
        { err: error },
        error instanceof SealError ? 'the secrets cannot be opened' : 'no message could be made',
      )
      return { follows: 'release', delayMs: UNFIT_DELAY_MS }
    }
  }

  async #messageOf(held: HeldDelivery, atMs: number) {
    const { signer, userAgent } = this.#deps
    if (!signer) throw new Error('neither SECRETS_KEY nor SECRETS_KEY_FILE is set: nothing can sign')
    const { task } = held
    const body = messageBody(held)
    const message = { id: messageId(held), timestampMs: Math.floor(atMs), body }
    const headers = {
      'content-type': 'application/json',
      'user-agent': userAgent,
      traceparent: childOf(task.head.traceparent),
      ...(await signer.sign(task.tenant, message)),
    }
    return { url: task.head.callback!.url, headers, body }
  }
}

/** The trace of the request goes on, in a span of its own (W3C Trace Context). */
function childOf(traceparent: string): string {
  const [version, trace, , flags] = traceparent.split('-')
  return [version, trace, randomHex(8), flags].join('-')
}

function told(verdict: Verdict) {
  const { follows } = verdict
  if (follows === 'release') return { follows }
  const { httpStatus, error, durationMs } = verdict.attempt
  return { follows, ...(httpStatus && { httpStatus }), ...(error && { error }), durationMs }
}
