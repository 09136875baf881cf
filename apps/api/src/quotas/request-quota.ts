import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Logger, StoreUnavailable, type TenantLimits, TickBatcher } from '@accepted/core'
import type { FastifyReply } from 'fastify'
import { ProblemError } from '../problem.ts'
import type { BucketSize, Draw, SharedBuckets } from './shared-buckets.ts'

/** A tenant that was quiet may do at once what it may do in so many seconds. */
const BURST_SECONDS = 5
/** What is known of a tenant's limit is looked up anew once it is older. */
const LIMIT_HOLDS_MS = 2_000
const MOST_TENANTS = 10_000
const MOST_AT_ONCE = 500
/** Entries of a list that take Redis as long as another request does. */
const ENTRIES_A_REQUEST = 4
/** Bytes of a body or a record that take a process, or Redis, as long as another request does. */
const BYTES_A_REQUEST = 16_384

export interface RequestQuotaOptions {
  buckets: SharedBuckets
  limits: Pick<TenantLimits, 'read'>
  /** Requests a second of a tenant for which an operator has set nothing else; 0: any number. */
  perSecond: number
  log: Pick<Logger, 'error'>
}

/** What a tenant may send, and what the requests of one turn got of it; null: it may send any number. */
type Share = { size: BucketSize; perSecond: number; draw: Draw } | null

/**
 * Holds tenants to so many requests a second, over all API processes. The requests of one turn of the event loop take their
 * tokens in one command a tenant.
 */
export class RequestQuota {
  readonly #options: RequestQuotaOptions
  readonly #lookups: TickBatcher<string, number | null>
  /** What may be sent a second, by tenant, the one that was asked for first comes first. */
  readonly #known = new Map<string, { perSecond: number; untilMs: number }>()
  /** The requests of this turn, by tenant. */
  readonly #turn = new Map<string, { requests: number; share: Promise<Share> }>()

  constructor(options: RequestQuotaOptions) {
    this.#options = options
    this.#lookups = new TickBatcher((tenants) => options.limits.read('requests', tenants), MOST_AT_ONCE)
  }

  /**
   * Counts a request of a tenant, and tells with its answer how the tenant stands (draft-ietf-httpapi-ratelimit-headers).
   * Undefined at once for a tenant that may send any number. Rejects with the `ProblemError` `quota_exceeded`, or with
   * `StoreUnavailable` if Redis is away and that closes the door.
   */
  admit(tenant: string, reply: FastifyReply): Promise<void> | undefined {
    if (this.#perSecondOf(tenant) === 0) return undefined
    const turn = this.#turnOf(tenant)
    const nth = turn.requests++
    return turn.share.then((share) => {
      if (share) answerFor(share, nth, reply)
    })
  }

  /**
   * Counts what a list was longer than a request allows, after it was read: whether there were tokens for it or not. Undefined
   * at once if there is nothing to count. Rejects with `StoreUnavailable` as `admit` does.
   *
   * @param entries that are answered
   */
  countEntries(tenant: string, entries: number, reply: FastifyReply): Promise<void> | undefined {
    return this.#count(tenant, entries / ENTRIES_A_REQUEST, reply)
  }

  /** The same for what was large to read. @param bytes of a body that was sent, or of a record */
  countBytes(tenant: string, bytes: number, reply: FastifyReply): Promise<void> | undefined {
    return this.#count(tenant, bytes / BYTES_A_REQUEST, reply)
  }

  /** @param requests as many as it is worth, the one that was counted included */
  #count(tenant: string, requests: number, reply: FastifyReply): Promise<void> | undefined {
    if (requests <= 1) return undefined
    const perSecond = this.#perSecondOf(tenant)
    if (perSecond === 0) return undefined
    const size = sizeOf(perSecond)
    return this.#options.buckets
      .charge(tenant, size, Math.ceil(requests) - 1)
      .then((draw) => tellOf(size, draw, reply))
  }

  #turnOf(tenant: string) {
    const begun = this.#turn.get(tenant)
    if (begun) return begun
    const turn = { requests: 0, share: this.#drawAfterTurn(tenant) }
    this.#turn.set(tenant, turn)
    return turn
  }

  async #drawAfterTurn(tenant: string): Promise<Share> {
    await nextTurn()
    const { requests } = this.#turn.get(tenant)!
    this.#turn.delete(tenant)
    return this.#draw(tenant, requests)
  }

  async #draw(tenant: string, requests: number): Promise<Share> {
    const perSecond = this.#perSecondOf(tenant)
    if (perSecond === 0) return null
    const size = sizeOf(perSecond)
    return { size, perSecond, draw: await this.#options.buckets.take(tenant, size, requests) }
  }

  /** What is known of it, at first the default: no request waits for a look-up, which is made by the side. */
  #perSecondOf(tenant: string): number {
    const known = this.#known.get(tenant)
    const perSecond = known?.perSecond ?? this.#options.perSecond
    if (known && performance.now() < known.untilMs) return perSecond
    this.#learn(tenant, perSecond)
    this.#lookUp(tenant)
    return perSecond
  }

  async #lookUp(tenant: string): Promise<void> {
    try {
      this.#learn(tenant, (await this.#lookups.add(tenant)) ?? this.#options.perSecond)
    } catch (error) {
      // While Redis is away what was known holds: whether anybody is served then is for the buckets to say.
      if (!(error instanceof StoreUnavailable)) {
        this.#options.log.error({ err: error }, 'the limit of a tenant could not be read')
      }
    }
  }

  #learn(tenant: string, perSecond: number): void {
    this.#known.delete(tenant)
    this.#known.set(tenant, { perSecond, untilMs: performance.now() + LIMIT_HOLDS_MS })
    if (this.#known.size > MOST_TENANTS) this.#known.delete(this.#known.keys().next().value!)
  }
}

/** @throws {ProblemError} `quota_exceeded`, if the share of the turn is smaller */
function answerFor({ size, perSecond, draw }: NonNullable<Share>, nth: number, reply: FastifyReply): void {
  tellOf(size, draw, reply)
  if (nth < draw.taken) return
  throw new ProblemError(
    'quota_exceeded',
    `Your tenant may send ${perSecond} ${perSecond === 1 ? 'request' : 'requests'} a second, and ${size.tokens} at once after a pause.`,
    {
      headers: { 'retry-after': String(Math.max(1, Math.ceil(draw.tokenInMs / 1000))) },
      members: { quota: 'requests', limit: perSecond },
    },
  )
}

function sizeOf(perSecond: number): BucketSize {
  return { tokens: perSecond * BURST_SECONDS, fillSeconds: BURST_SECONDS }
}

function tellOf(size: BucketSize, draw: Draw, reply: FastifyReply): void {
  reply.header('ratelimit-policy', `"requests";q=${size.tokens};w=${size.fillSeconds}`)
  reply.header('ratelimit', `"requests";r=${draw.left};t=${Math.ceil(draw.fullInMs / 1000)}`)
}
