import type { Socket } from 'node:net'

export interface ReadingTerms {
  /** What a reader may take for an answer, however short it is, ms. */
  readMs: number
  /** What a reader of more than that takes in a second, at least. */
  readBytesPerSecond: number
}

/** Since when a reader has not taken all that it was sent, and what it had taken then. */
interface Arrears {
  sinceMs: number
  takenBytes: number
}

/** Finds the clients that read their answers too slowly, so that what they do not take does not pile up. */
export class SlowReaders {
  readonly #terms: ReadingTerms
  readonly #arrears = new WeakMap<Socket, Arrears>()

  constructor(terms: ReadingTerms) {
    this.#terms = terms
  }

  /** Whether the client has had its time for what it was sent so far. To be asked now and then. */
  isTooSlow(socket: Pick<Socket, 'bytesWritten' | 'writableLength'>, nowMs: number): boolean {
    const { bytesWritten, writableLength } = socket
    if (writableLength === 0) {
      this.#arrears.delete(socket as Socket)
      return false
    }
    const takenBytes = bytesWritten - writableLength
    const since = this.#arrears.get(socket as Socket)
    if (!since) {
      this.#arrears.set(socket as Socket, { sinceMs: nowMs, takenBytes })
      return false
    }
    const bytes = takenBytes - since.takenBytes + writableLength
    const { readMs, readBytesPerSecond } = this.#terms
    return nowMs - since.sinceMs > readMs + (bytes / readBytesPerSecond) * 1000
  }
}
