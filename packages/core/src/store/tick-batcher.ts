/** Gathers what is asked within one turn of the event loop into one call. */
export class TickBatcher<Item, Outcome> {
  readonly #run: (items: Item[]) => Promise<Outcome[]>
  readonly #largest: number
  #waiting: { item: Item; resolve: (outcome: Outcome) => void; reject: (error: unknown) => void }[] = []

  /**
   * @param run answers one outcome an item, in order
   * @param largest most items in a call, so that no call holds Redis for long
   */
  constructor(run: (items: Item[]) => Promise<Outcome[]>, largest: number) {
    this.#run = run
    this.#largest = largest
  }

  /** @throws what the call that carries the item throws */
  add(item: Item): Promise<Outcome> {
    if (this.#waiting.length === 0) setImmediate(() => this.#flush())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (this.#waiting.length === this.#largest) this.#flush()
    })
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let from = 0; from < waiting.length; from += this.#largest) {
      const batch = waiting.slice(from, from + this.#largest)
      this.#run(batch.map(({ item }) => item)).then(
        (outcomes) => {
          for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index]!)
        },
        (error) => {
          for (const { reject } of batch) reject(error)
        },
      )
    }
  }
}
