import type { ServerResponse } from 'node:http'

/** A request that is not answered, or not to its end, for now. */
export interface Hold {
  /** Fires when the request must not be held any longer: its time is up, its client is gone, or the app closes. */
  signal: AbortSignal
  /** Whether there is nobody left to answer. */
  readonly gone: boolean
  /** To be called when the request is held no more. */
  release(): void
}

/** The requests that this process holds open, so that none outlives its client or the app. */
export class HeldRequests {
  readonly #dismissals = new Set<() => void>()
  #closed = false

  /** @param limitMs for how long at most; without it for as long as client and app are there */
  hold(response: ServerResponse, limitMs?: number): Hold {
    const over = new AbortController()
    const letGo = () => over.abort()
    const timer = limitMs === undefined ? undefined : setTimeout(letGo, limitMs)
    const dismiss = () => {
      // Else the connection would stay open for the next request, and the server with it.
      if (!response.headersSent) response.setHeader('connection', 'close')
      letGo()
    }
    this.#dismissals.add(dismiss)
    response.once('close', letGo)
    if (this.#closed) dismiss()
    if (response.destroyed) letGo()
    return {
      signal: over.signal,
      get gone() {
        return response.destroyed
      },
      release: () => {
        clearTimeout(timer)
        this.#dismissals.delete(dismiss)
        response.off('close', letGo)
      },
    }
  }

  /** Lets all go; from now on none is held. */
  close(): void {
    this.#closed = true
    for (const dismiss of this.#dismissals) dismiss()
  }
}
