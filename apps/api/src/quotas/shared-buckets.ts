import { readFileSync } from 'node:fs'
import { guarded, StoreUnavailable } from '@accepted/core'
import type { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'

const TAKE_TOKENS = readFileSync(new URL('./take-tokens.lua', import.meta.url), 'utf8')
/** A quota is no reason to wait for a Redis that does not answer. */
const ANSWERS_WITHIN_MS = 250
/** So long after one that did not, nobody waits for it again. */
const AWAY_FOR_MS = 1_000
/** What is charged may leave a bucket with nothing for so long. */
const LONGEST_DEBT_SECONDS = 60

/** A token bucket: how many tokens it holds, and in how many whole seconds an empty one fills. */
export interface BucketSize {
  tokens: number
  fillSeconds: number
}

/** What was taken of a bucket, and what is left in it. */
export interface Draw {
  taken: number
  left: number
  /** Until it is full. */
  fullInMs: number
  /** Until there is a token; 0 if there is. */
  tokenInMs: number
}

export interface SharedBucketsOptions {
  redis: Redis
  /** What the keys of the buckets begin with. */
  prefix: string
  /** While Redis is away: each process counts for itself, or whoever asks is refused. */
  withoutRedis: 'open' | 'closed'
}

/** Token buckets that all API processes share, by rate-limiter-flexible: docs/decisions/023-quotas.md. */
export class SharedBuckets {
  readonly #options: SharedBucketsOptions
  /** Until when Redis is thought to be away, on the monotonic clock. */
  #awayUntilMs = 0
  readonly #limiters = new Map<string, { shared: RateLimiterRedis; own: RateLimiterMemory }>()

  constructor(options: SharedBucketsOptions) {
    this.#options = options
  }

  /**
   * Takes up to `wanted` tokens of a bucket, as many as there are.
   *
   * @throws {StoreUnavailable} if Redis is away and `withoutRedis` is closed
   */
  take(key: string, size: BucketSize, wanted: number): Promise<Draw> {
    const { shared, own } = this.#limitersOf(size)
    return this.#draw(
      size,
      wanted,
      () => shared.consume(key, wanted),
      () => own.consume(key, wanted),
    )
  }

  /**
   * Takes tokens for what was done already, whether they are there or not: what is missing is owed, for a minute at most.
   *
   * @throws {StoreUnavailable} if Redis is away and `withoutRedis` is closed
   */
  charge(key: string, size: BucketSize, tokens: number): Promise<Draw> {
    const { shared, own } = this.#limitersOf(size)
    return this.#draw(
      size,
      tokens,
      () => shared.penalty(key, tokens, { customDuration: size.fillSeconds + LONGEST_DEBT_SECONDS }),
      () => own.penalty(key, tokens),
    )
  }

  async #draw(
    size: BucketSize,
    wanted: number,
    shared: () => Promise<RateLimiterRes>,
    own: () => Promise<RateLimiterRes>,
  ): Promise<Draw> {
    try {
      if (performance.now() < this.#awayUntilMs)
        throw new StoreUnavailable('Redis did not answer a moment ago')
      return await guarded(() => drawn(size, wanted, 'may owe', this.#inTime(shared())))
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || this.#options.withoutRedis === 'closed') throw error
      return drawn(size, wanted, 'owes nothing', own())
    }
  }

  /** Rejects if Redis takes too long. */
  #inTime<T>(asked: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#awayUntilMs = performance.now() + AWAY_FOR_MS
        reject(new StoreUnavailable('Redis did not answer in time'))
      }, ANSWERS_WITHIN_MS)
      asked.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }

  #limitersOf({ tokens, fillSeconds }: BucketSize) {
    const name = `${tokens} ${fillSeconds}`
    const known = this.#limiters.get(name)
    if (known) return known
    const { redis, prefix } = this.#options
    const size = { points: tokens, duration: fillSeconds, keyPrefix: prefix }
    const made = {
      // Who has found a bucket empty does not ask Redis again until it has a token.
      shared: new RateLimiterRedis({
        ...size,
        storeClient: redis,
        customIncrTtlLuaScript: TAKE_TOKENS,
        inMemoryBlockOnConsumed: tokens + 1,
      }),
      own: new RateLimiterMemory(size),
    }
    this.#limiters.set(name, made)
    return made
  }
}

/** What the library tells by an answer or, if there were too few, by a rejection. */
async function drawn(
  { tokens, fillSeconds }: BucketSize,
  wanted: number,
  debts: 'may owe' | 'owes nothing',
  asked: Promise<RateLimiterRes>,
): Promise<Draw> {
  const told = await asked.catch((refusal: unknown) => {
    if (refusal instanceof RateLimiterRes) return refusal
    throw refusal
  })
  // One that it knows to be empty is refused without a number.
  const missing = told.consumedPoints || tokens + wanted
  const left = Math.max(0, tokens - missing)
  const tokenInMs = left > 0 ? 0 : told.msBeforeNext
  const tokenMs = (fillSeconds * 1000) / tokens
  // What is owed goes before. The library's own limiter has it all back at once.
  const emptyInMs = debts === 'may owe' ? Math.max(0, tokenInMs - tokenMs) : 0
  return {
    taken: Math.max(0, wanted - Math.max(0, missing - tokens)),
    left,
    fullInMs: emptyInMs + ((tokens - left) / tokens) * fillSeconds * 1000,
    tokenInMs,
  }
}
