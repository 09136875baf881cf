const pageSize = 256

/**
 * From code points to values, of which there may be few. Whatever text comes, it takes at most two bytes for each
 * code point there is, which a plain Map would exceed thirtyfold.
 */
export class CodePointMap<Value> {
  readonly #values: Value[] = []
  readonly #pages = new Map<number, Uint16Array>()

  /** Whether the code point was ever set, be it to undefined. */
  has(codePoint: number): boolean {
    return this.#entry(codePoint) !== 0
  }

  get(codePoint: number): Value | undefined {
    return this.#values[this.#entry(codePoint) - 2]
  }

  set(codePoint: number, value: Value | undefined): void {
    const number = Math.floor(codePoint / pageSize)
    let page = this.#pages.get(number)
    if (!page) {
      page = new Uint16Array(pageSize)
      this.#pages.set(number, page)
    }
    page[codePoint % pageSize] = value === undefined ? 1 : this.#indexOf(value) + 2
  }

  #entry(codePoint: number): number {
    return this.#pages.get(Math.floor(codePoint / pageSize))?.[codePoint % pageSize] ?? 0
  }

  #indexOf(value: Value): number {
    const index = this.#values.indexOf(value)
    return index === -1 ? this.#values.push(value) - 1 : index
  }
}
