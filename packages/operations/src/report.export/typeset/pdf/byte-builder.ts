/**
 * Gathers a page's operators as bytes, outside the JavaScript heap. Strings would be kept until the page is full, which
 * is long enough for the garbage collector to take them for lasting and to grow the heap.
 */
export class ByteBuilder {
  #bytes = Buffer.allocUnsafe(16_384)
  #length = 0

  /** Adds text of which all characters are below U+0100. */
  add(text: string): void {
    const needed = this.#length + text.length
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * needed)
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    this.#length += this.#bytes.write(text, this.#length, 'latin1')
  }

  /** What was gathered, as long as nothing is added. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }
}
