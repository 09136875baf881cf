import type { ServerResponse } from 'node:http'

/** How a stream is kept alive and how long it bears with its reader. */
export interface StreamLimits {
  /** Between comments, which tell proxies and readers that the stream lives, ms. */
  beatMs: number
  /** A reader that does not take what it was sent within this is cut off, ms. */
  drainMs: number
}

/** The limits of streams, if nobody says otherwise. */
export const STREAM_LIMITS: StreamLimits = { beatMs: 15_000, drainMs: 30_000 }

/** When a reader whose stream ended is to come again, ms. */
const RETRY_MS = 1_000
/** The same where there was no place for it, ms. */
const RETRY_WHEN_FULL_MS = 10_000
/** What a reader still gets of its stream when the process stops, ms. */
const LAST_WORDS_MS = 2_000

/** A `text/event-stream` whose head was written. What its reader has not taken is one event at most. */
export class EventStream {
  readonly #response: ServerResponse
  readonly #limits: StreamLimits
  readonly #beat: NodeJS.Timeout

  /** @param isFull whether it is to end at once and its reader to come again, since as many follow as may */
  constructor(response: ServerResponse, limits: StreamLimits, isFull = false) {
    this.#response = response
    this.#limits = limits
    response.write(`retry: ${isFull ? RETRY_WHEN_FULL_MS : RETRY_MS}\n\n`)
    this.#beat = setInterval(() => {
      if (!response.writableNeedDrain) response.write(':\n\n')
    }, limits.beatMs)
  }

  /**
   * Sends an event; resolves when the next may be sent, or the signal fires.
   *
   * @param signal fires when the reader is gone, too
   */
  async send(event: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#response.write(event)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const done = () => resolve()
    const cut = setTimeout(() => this.#response.destroy(), this.#limits.drainMs)
    this.#response.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
    await promise
    clearTimeout(cut)
    this.#response.off('drain', done)
    signal.removeEventListener('abort', done)
  }

  /** @param stopping whether it ends since the process does */
  end(stopping: boolean): void {
    clearInterval(this.#beat)
    if (this.#response.destroyed) return
    const cut = setTimeout(() => this.#response.destroy(), stopping ? LAST_WORDS_MS : this.#limits.drainMs)
    this.#response.once('close', () => clearTimeout(cut))
    this.#response.end()
  }
}
