export interface RememberedOptions<T> {
  fetch: (key: string) => Promise<T>
  /** How old what is handed out may be, at most. */
  forMs: number
  /** Most keys that are remembered. */
  most: number
  /** Milliseconds that only grow. */
  monotonic?: () => number
}

/** Remembers for a short time what was fetched for a key; who asks while it is fetched shares the fetch. Faults are not kept. */
export class Remembered<T> {
  readonly #options: Required<RememberedOptions<T>>
  /** By the time of their fetch, oldest first. */
  readonly #entries = new Map<string, { value: Promise<T>; askedMs: number }>()

  constructor(options: RememberedOptions<T>) {
    this.#options = { monotonic: () => performance.now(), ...options }
  }

  /** @throws what `fetch` throws */
  get(key: string): Promise<T> {
    const { fetch, forMs, most, monotonic } = this.#options
    const now = monotonic()
    const known = this.#entries.get(key)
    if (known && now - known.askedMs < forMs) return known.value
    const entry = { value: fetch(key), askedMs: now }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    entry.value.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
    })
    if (this.#entries.size > most) this.#entries.delete(this.#entries.keys().next().value as string)
    return entry.value
  }
}
