export interface PlaceLimits {
  inAll: number
  /** Undefined: any number. */
  perHolder: number | undefined
}

/** Places of which each holder may have so many, and all together so many. */
export class Places {
  readonly #limits: PlaceLimits
  readonly #byHolder = new Map<string, number>()
  #taken = 0

  constructor(limits: PlaceLimits) {
    this.#limits = limits
  }

  /** Takes a place, if there is one. */
  take(holder: string): boolean {
    const { inAll, perHolder = inAll } = this.#limits
    const held = this.#byHolder.get(holder) ?? 0
    if (this.#taken >= inAll || held >= perHolder) return false
    this.#taken += 1
    this.#byHolder.set(holder, held + 1)
    return true
  }

  /** Gives back a place that was taken. */
  free(holder: string): void {
    const held = this.#byHolder.get(holder)!
    this.#taken -= 1
    if (held > 1) this.#byHolder.set(holder, held - 1)
    else this.#byHolder.delete(holder)
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken
  }
}
