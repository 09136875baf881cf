import type { ServerResponse } from 'node:http'
import type { Caller } from './auth/caller.ts'
import { type PlaceLimits, Places } from './places.ts'

/** A request that is not answered, or not to its end, for now. */
export interface Hold {
  /** Fires when the request must not be held any longer: its time is up, its client is gone, its credential holds no longer, or the app closes. */
  signal: AbortSignal
  /** Whether as many are held as may be: this one has no place, and is to be answered as soon as that can be done. */
  readonly isFull: boolean
  /** Whether there is nobody left to answer. */
  readonly gone: boolean
  /** To be called when the request is held no more. */
  release(): void
}

/** Who asks for a request to be held. */
type Holder = Pick<Caller, 'tenant' | 'holds'>

/** How often the credentials of those who are held are looked at. */
const LOOKED_AT_EVERY_MS = 500

/** The requests that this process holds open, so that none outlives its client, its credential or the app. */
export class HeldRequests {
  /** Who is held, by what lets them go. */
  readonly #holds = new Map<() => void, Holder>()
  readonly #places: Places
  readonly #timer = setInterval(() => this.look(), LOOKED_AT_EVERY_MS).unref()
  #closed = false

  /** @param limits the holders are tenants */
  constructor(limits: PlaceLimits) {
    this.#places = new Places(limits)
  }

  /** @param limitMs for how long at most; without it for as long as client, credential and app are there */
  hold(response: ServerResponse, caller: Holder, limitMs?: number): Hold {
    const { tenant } = caller
    const hasPlace = this.#places.take(tenant)
    const over = new AbortController()
    const letGo = () => over.abort()
    const timer = limitMs === undefined ? undefined : setTimeout(letGo, limitMs)
    this.#holds.set(letGo, caller)
    response.once('close', letGo)
    if (this.#closed || response.destroyed) letGo()
    return {
      signal: over.signal,
      isFull: !hasPlace,
      get gone() {
        return response.destroyed
      },
      release: () => {
        clearTimeout(timer)
        if (this.#holds.delete(letGo) && hasPlace) this.#places.free(tenant)
        response.off('close', letGo)
      },
    }
  }

  /** Lets those go whose credential does not hold any longer. */
  look(): void {
    for (const [letGo, caller] of this.#holds) if (!caller.holds()) letGo()
  }

  /** Lets all go; from now on none is held. */
  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    for (const letGo of this.#holds.keys()) letGo()
  }
}
