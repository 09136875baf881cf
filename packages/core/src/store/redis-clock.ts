const WINDOW_MS = 30_000
/** A reply is not on its way for so long, unless this process stood still: then the next one puts it right. */
const STEP_MS = 5_000

/**
 * Redis's clock as learnt from its replies, told by the local monotonic clock in between, so that no step of this
 * host's wall clock moves it. A reply is late by its way back, so an offset can only be too small: the largest of the
 * last half to full minute is the best known. What it says is therefore never ahead of Redis, unless Redis's clock was just
 * set back by less than can be told from a slow reply.
 */
export class RedisClock {
  readonly #monotonic: () => number
  #previous = Number.NEGATIVE_INFINITY
  #current = Number.NEGATIVE_INFINITY
  #windowEnds = 0

  /** @param monotonic milliseconds that only grow */
  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic
  }

  /** Whether any reply was seen. */
  get known(): boolean {
    return this.#best > Number.NEGATIVE_INFINITY
  }

  /** Takes in the time that a reply carries, in ms, at its arrival. */
  learn(redisMs: number): void {
    const local = this.#monotonic()
    if (redisMs - local < this.#best - STEP_MS) {
      this.#previous = Number.NEGATIVE_INFINITY
      this.#current = Number.NEGATIVE_INFINITY
    }
    if (local >= this.#windowEnds) {
      this.#previous = local < this.#windowEnds + WINDOW_MS ? this.#current : Number.NEGATIVE_INFINITY
      this.#current = Number.NEGATIVE_INFINITY
      this.#windowEnds = local + WINDOW_MS
    }
    this.#current = Math.max(this.#current, redisMs - local)
  }

  /** Milliseconds since the epoch, on Redis's clock. */
  now(): number {
    return this.#monotonic() + this.#best
  }

  get #best(): number {
    return Math.max(this.#previous, this.#current)
  }
}
