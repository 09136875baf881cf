/** Gathers what is asked within one turn of the event loop into one call; a full one goes at once, and Redis has work early. */
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
    const batch = this.#waiting
    // What was asked in this turn may have made full calls.
    if (batch.length === 0) return
    this.#waiting = []
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
