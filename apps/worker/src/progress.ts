const LEAST_GAP_MS = 100

/** Coalesces a handler's progress: one write at a time, at most ten a second, the newest wins. */
export class Progress {
  readonly #write: (percent: number) => Promise<void>
  #newest: number | null = null
  #writing: Promise<void> | null = null
  #gap: NodeJS.Timeout | null = null

  /** @param write stores whole percents; what it throws is its own affair to report */
  constructor(write: (percent: number) => Promise<void>) {
    this.#write = write
  }

  /** Takes note; what is not a number is passed over, what is out of 0…100 is cut to it. */
  set(percent: number): void {
    if (typeof percent !== 'number' || Number.isNaN(percent)) return
    this.#newest = Math.floor(Math.min(100, Math.max(0, percent)))
    if (!this.#writing && !this.#gap) this.#send()
  }

  /** No more writes; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#newest = null
    if (this.#gap) clearTimeout(this.#gap)
    this.#gap = null
    await this.#writing
  }

  #send(): void {
    const percent = this.#newest
    if (percent === null) return
    this.#newest = null
    this.#gap = setTimeout(() => {
      this.#gap = null
      if (!this.#writing) this.#send()
    }, LEAST_GAP_MS)
    this.#writing = this.#write(percent).finally(() => {
      this.#writing = null
      if (!this.#gap) this.#send()
    })
  }
}
