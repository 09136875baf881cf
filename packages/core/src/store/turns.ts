/** Lets so many at a time go on, in the order in which they came, and the event loop turn between. */
export class Turns {
  readonly #most: number
  #gone = 0
  #waiting: (() => void)[] = []

  /** @param most how many go on in one turn of the event loop */
  constructor(most: number) {
    this.#most = most
  }

  /** Resolves when it is the caller's turn: at once, unless too many have come in this one. */
  async mine(): Promise<void> {
    if (this.#gone === 0) setImmediate(this.#next)
    if (this.#gone === this.#most) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#gone += 1
  }

  readonly #next = (): void => {
    const going = this.#waiting.splice(0, this.#most)
    this.#gone = going.length
    if (going.length > 0) setImmediate(this.#next)
    for (const go of going) go()
  }
}
