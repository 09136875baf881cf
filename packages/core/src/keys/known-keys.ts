import type { Logger } from '../log/log.ts'
import { StoreUnavailable } from '../store/outage.ts'
import { TickBatcher } from '../store/tick-batcher.ts'
import type { ApiKey, ApiKeys } from './api-keys.ts'

/** How old what is known of a key may be, at most: a revocation is effective everywhere within 2 s. */
const HOLDS_MS = 1_900
const CHECKED_EVERY_MS = 1_000
/** A key that was not used for so long is forgotten, and asked for when it comes again. */
const IDLE_MS = 60_000
/** Between two notes that a key was used. */
const NOTED_EVERY_MS = 60_000
const MOST_LOOKED_UP_AT_ONCE = 500
/** Unknown ones that are remembered: some megabytes, whoever tries how many. */
const MOST_UNKNOWN = 10_000

interface Entry {
  key: ApiKey
  untilMs: number
  usedMs: number
  notedMs: number
}

export interface KnownKeysOptions {
  keys: ApiKeys
  /** Redis's clock, ms; known once a key was found. */
  now: () => number
  log: Logger
  /** Milliseconds that only grow. */
  monotonic?: () => number
}

/**
 * What a process knows of API keys, so that a request with a key that is in use asks nothing of Redis: all keys in use are
 * checked together, once a second. Those that nobody has seen lately are looked up, the ones of one turn of the event loop
 * together; that a key is unknown is remembered, too.
 */
export class KnownKeys {
  readonly #options: Required<KnownKeysOptions>
  readonly #entries = new Map<string, Entry>()
  /** Until when, by id; the one that was found out first comes first. */
  readonly #unknown = new Map<string, number>()
  readonly #asked = new Map<string, Promise<ApiKey | null>>()
  readonly #lookups: TickBatcher<string, ApiKey | null>
  readonly #timer: NodeJS.Timeout
  #checking = false

  constructor(options: KnownKeysOptions) {
    this.#options = { monotonic: () => performance.now(), ...options }
    this.#lookups = new TickBatcher((ids) => this.#lookUp(ids), MOST_LOOKED_UP_AT_ONCE)
    this.#timer = setInterval(() => this.#checkAgain(), CHECKED_EVERY_MS).unref()
  }

  /** What is known of a key now: the key, null if there is none; undefined: it has to be asked for. */
  peek(keyId: string): ApiKey | null | undefined {
    const now = this.#options.monotonic()
    const entry = this.#entries.get(keyId)
    if (entry && now < entry.untilMs) {
      entry.usedMs = now
      return entry.key
    }
    return now < (this.#unknown.get(keyId) ?? 0) ? null : undefined
  }

  /** Looks a key up. @returns null if there is none. @throws {StoreUnavailable} */
  find(keyId: string): Promise<ApiKey | null> {
    let asked = this.#asked.get(keyId)
    if (!asked) {
      asked = this.#lookups.add(keyId).finally(() => this.#asked.delete(keyId))
      this.#asked.set(keyId, asked)
    }
    return asked
  }

  /**
   * Whether a key that was found may be used on, as far as is known; while Redis is away it may. To be asked all the while: one
   * that nobody uses for a minute is forgotten.
   */
  holds(key: ApiKey): boolean {
    const entry = this.#entries.get(key.keyId)
    if (!entry || this.hasExpired(key)) return false
    entry.usedMs = this.#options.monotonic()
    return true
  }

  /** Whether its time is over, on Redis's clock. */
  hasExpired({ expiresMs }: ApiKey): boolean {
    return expiresMs !== null && expiresMs <= this.#options.now()
  }

  /** Asks whether the keys in use are still there, and notes their use; to be called about once a second. @throws {StoreUnavailable} */
  async check(): Promise<void> {
    const asked = this.#options.monotonic()
    for (const [keyId, { usedMs }] of this.#entries) {
      if (asked - usedMs >= IDLE_MS) this.#entries.delete(keyId)
    }
    const entries = [...this.#entries]
    if (entries.length === 0) return
    const gone = await this.#options.keys.check(entries.map(([keyId]) => keyId))
    for (const [, entry] of entries) entry.untilMs = asked + HOLDS_MS
    for (const keyId of gone) {
      this.#entries.delete(keyId)
      this.#isUnknown(keyId, asked)
    }
    const used = entries.filter(
      ([, { usedMs, notedMs }]) => usedMs > notedMs && asked - notedMs >= NOTED_EVERY_MS,
    )
    if (used.length === 0) return
    await this.#options.keys.noteUse(used.map(([keyId]) => keyId))
    for (const [, entry] of used) entry.notedMs = asked
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #lookUp(keyIds: string[]): Promise<(ApiKey | null)[]> {
    const asked = this.#options.monotonic()
    const found = await this.#options.keys.find(keyIds)
    for (const [at, key] of found.entries()) {
      const keyId = keyIds[at]!
      if (!key) this.#isUnknown(keyId, asked)
      else {
        const known = this.#entries.get(keyId)
        const notedMs = known?.notedMs ?? Number.NEGATIVE_INFINITY
        this.#entries.set(keyId, { key, untilMs: asked + HOLDS_MS, usedMs: asked, notedMs })
      }
    }
    return found
  }

  #isUnknown(keyId: string, asked: number): void {
    this.#unknown.delete(keyId)
    this.#unknown.set(keyId, asked + HOLDS_MS)
    if (this.#unknown.size > MOST_UNKNOWN) this.#unknown.delete(this.#unknown.keys().next().value!)
  }

  #checkAgain(): void {
    // While Redis does not answer, what is known lapses by itself.
    if (this.#checking) return
    this.#checking = true
    this.check()
      .catch((error) => {
        if (!(error instanceof StoreUnavailable))
          this.#options.log.error({ err: error }, 'keys are not checked')
      })
      .finally(() => {
        this.#checking = false
      })
  }
}
