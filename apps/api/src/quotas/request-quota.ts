import { Remembered, StoreUnavailable, type TenantLimits, TickBatcher } from '@accepted/core'
import type { FastifyReply } from 'fastify'
import { ProblemError } from '../problem.ts'
import type { BucketSize, Draw, SharedBuckets } from './shared-buckets.ts'

/** A tenant that was quiet may do at once what it may do in so many seconds. */
const BURST_SECONDS = 5
/** How old what is known of a tenant's limit may be. */
const LIMIT_HOLDS_MS = 2_000
const MOST_TENANTS = 10_000
const MOST_AT_ONCE = 500

export interface RequestQuotaOptions {
  buckets: SharedBuckets
  limits: Pick<TenantLimits, 'read'>
  /** Requests a second of a tenant for which an operator has set nothing else; 0: any number. */
  perSecond: number
}

/** How a request stands with its tenant's quota; null: the tenant has none. */
type Standing = { size: BucketSize; perSecond: number; draw: Draw; admitted: boolean } | null

/**
 * Holds tenants to so many requests a second, over all API processes. The requests of one turn of the event loop take their
 * tokens in one command a tenant.
 */
export class RequestQuota {
  readonly #options: RequestQuotaOptions
  readonly #perSecond: Remembered<number>
  readonly #requests = new TickBatcher((tenants: string[]) => this.#count(tenants), MOST_AT_ONCE)

  constructor(options: RequestQuotaOptions) {
    this.#options = options
    const lookups = new TickBatcher(
      (tenants: string[]) => options.limits.read('requests', tenants),
      MOST_AT_ONCE,
    )
    this.#perSecond = new Remembered({
      fetch: async (tenant) => (await lookups.add(tenant)) ?? options.perSecond,
      forMs: LIMIT_HOLDS_MS,
      most: MOST_TENANTS,
    })
  }

  /**
   * Counts a request of a tenant, and tells with its answer how the tenant stands (draft-ietf-httpapi-ratelimit-headers).
   *
   * @throws {ProblemError} `quota_exceeded`
   * @throws {StoreUnavailable} if Redis is away and that closes the door
   */
  async admit(tenant: string, reply: FastifyReply): Promise<void> {
    const standing = await this.#requests.add(tenant)
    if (!standing) return
    const { size, perSecond, draw, admitted } = standing
    reply.header('ratelimit-policy', `"requests";q=${size.tokens};w=${size.fillSeconds}`)
    reply.header('ratelimit', `"requests";r=${draw.left};t=${Math.ceil(draw.fullInMs / 1000)}`)
    if (admitted) return
    throw new ProblemError(
      'quota_exceeded',
      `Your tenant may send ${perSecond} ${perSecond === 1 ? 'request' : 'requests'} a second, and ${size.tokens} at once after a pause.`,
      {
        headers: { 'retry-after': String(Math.max(1, Math.ceil(draw.tokenInMs / 1000))) },
        members: { quota: 'requests', limit: perSecond },
      },
    )
  }

  async #count(tenants: string[]): Promise<Standing[]> {
    const draws = new Map<string, Promise<Standing>>()
    const counts = new Map<string, number>()
    for (const tenant of tenants) counts.set(tenant, (counts.get(tenant) ?? 0) + 1)
    for (const [tenant, count] of counts) draws.set(tenant, this.#draw(tenant, count))
    const nth = new Map<string, number>()
    return Promise.all(
      tenants.map(async (tenant) => {
        const before = nth.get(tenant) ?? 0
        nth.set(tenant, before + 1)
        const standing = await draws.get(tenant)!
        return standing && { ...standing, admitted: before < standing.draw.taken }
      }),
    )
  }

  async #draw(tenant: string, requests: number): Promise<Standing> {
    const perSecond = await this.#perSecondOf(tenant)
    if (perSecond === 0) return null
    const size = { tokens: perSecond * BURST_SECONDS, fillSeconds: BURST_SECONDS }
    const draw = await this.#options.buckets.take(tenant, size, requests)
    return { size, perSecond, draw, admitted: true }
  }

  /** While Redis is away it is the default: whether anybody is served then is for the buckets to say. */
  async #perSecondOf(tenant: string): Promise<number> {
    try {
      return await this.#perSecond.get(tenant)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      return this.#options.perSecond
    }
  }
}
