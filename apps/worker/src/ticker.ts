import { setTimeout as pause } from 'node:timers/promises'
import { LEASE_MS, type Logger, NewerFormat, PACE, type Upkeep, type UpkeepTerms } from '@accepted/core'

const TICK_MS = 100
const TOP_UP_MS = 1_000
const HEARTBEAT_MS = 3_000
/** It is told no more often that the store is full. */
const TELL_MS = 60_000
const RENEW_MS = LEASE_MS / 4
/** A Redis that refuses most of what it is asked, such as one whose disk is full, may let ticks through, by which leases run out. */
const RENEW_AGAIN_MS = TICK_MS
/** A worker that has not been heard of for so long does not count any more. */
const HEARTBEAT_LIFETIME_MS = 10_000

/** Keeps a worker's shards in order: timers and expiry, missing jobs, the news that this worker lives. */
export class Ticker {
  readonly #upkeep: Upkeep
  readonly #options: TickerOptions
  readonly #stopping = new AbortController()
  readonly #loops: Promise<void>[] = []
  /** Records that expired before their time, and when that was last told. */
  #madeRoom = 0
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(upkeep: Upkeep, options: TickerOptions) {
    this.#upkeep = upkeep
    this.#options = options
  }

  start(): void {
    const { shards, slots, terms, renew, beat, log } = this.#options
    const lanes = Object.keys(slots)
    this.#every(RENEW_MS, renew, RENEW_AGAIN_MS)
    for (let shard = 0; shard < shards; shard += 1) {
      this.#every(TICK_MS, async () => {
        for (;;) {
          const { more, madeRoom } = await this.#upkeep.tick(shard, lanes, { ...terms, pace: PACE })
          this.#madeRoom += madeRoom
          if (!more) break
          await this.#pause(PACE.apartMs)
        }
        this.#tellOfRoom()
      })
      this.#every(TOP_UP_MS, async () => {
        for (const lane of lanes) {
          const { added, stoodStill } = await this.#upkeep.topUp(shard, lane)
          if (stoodStill) log.warn({ lane, added }, 'a lane stood still: its missing jobs were made good')
        }
      })
      this.#every(HEARTBEAT_MS, async () => {
        await this.#heartbeat(shard, slots)
        await beat()
      })
    }
  }

  /** Stops, and takes back the news that this worker lives. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#loops)
    const { shards, slots } = this.#options
    const none = Object.fromEntries(Object.keys(slots).map((lane) => [lane, 0]))
    for (let shard = 0; shard < shards; shard += 1) await this.#heartbeat(shard, none)
  }

  #tellOfRoom(): void {
    const now = performance.now()
    if (this.#madeRoom === 0 || now - this.#toldMs < TELL_MS) return
    this.#toldMs = now
    this.#options.log.warn(
      { expired: this.#madeRoom },
      'more than MAX_STORED_BYTES: tasks expire before their time',
    )
    this.#madeRoom = 0
  }

  #heartbeat(shard: number, slots: Record<string, number>): Promise<void> {
    const { worker, endpointCap, tenantCap } = this.#options
    return this.#upkeep.heartbeat(shard, worker, slots, HEARTBEAT_LIFETIME_MS, endpointCap, tenantCap)
  }

  /** @param againMs after how long what failed is tried again */
  #every(periodMs: number, act: () => Promise<void>, againMs = periodMs): void {
    const { signal } = this.#stopping
    const loop = async () => {
      let failing = false
      while (!signal.aborted) {
        let pauseMs = periodMs
        try {
          await act()
          failing = false
        } catch (error) {
          if (error instanceof NewerFormat) return this.#options.outdated(error)
          // Told once, however long it lasts: it is tried ten times a second.
          this.#options.log[failing ? 'debug' : 'warn']({ err: error }, 'upkeep failed; it is tried again')
          failing = true
          pauseMs = againMs
        }
        await this.#pause(pauseMs)
      }
    }
    this.#loops.push(loop())
  }

  /** Not any longer than until it stops. */
  async #pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
  }
}

export interface TickerOptions {
  shards: number
  /** What this worker runs at once, by lane. */
  slots: Record<string, number>
  /** Callbacks that one endpoint is sent at once. */
  endpointCap: number
  /** Tasks of one tenant that run at once in a lane; 0: as many as there are slots. */
  tenantCap: number
  terms: UpkeepTerms
  /** Renews the leases of what this worker runs. */
  renew: () => Promise<void>
  /** Called each time that Redis has heard that this worker lives. */
  beat: () => Promise<void>
  /** Called when what stands in Redis is too new for this program. */
  outdated: (error: NewerFormat) => void
  /** A name for this process, unlike any other's. */
  worker: string
  log: Logger
}
