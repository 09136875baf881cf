import { unitsPerEm } from '../fonts/face.ts'

/** Where a glyph goes, in thousandths of the font size: from the pen to the glyph, and on to the next. */
export interface Placement {
  readonly advance: number
  readonly dx: number
  readonly dy: number
}

/** Writes glyphs as PDF's TJ operators, with corrections only where a glyph is not where its width would put it. */
export class Pen {
  readonly #size: number
  #done = ''
  #array = ''
  #codes = ''
  /** How far the pen is right of where the next glyph belongs. */
  #ahead = 0
  #rise = 0

  /** `size` is that of the font, in points. */
  constructor(size: number) {
    this.#size = size
  }

  /** `width` is what the font says of the code. */
  show(code: number, { width, advance, dx, dy }: Placement & { readonly width: number }): void {
    if (dy !== this.#rise) {
      this.#flush()
      this.#done += `${+((dy * this.#size) / unitsPerEm).toFixed(3)} Ts `
      this.#rise = dy
    }
    this.#correct(this.#ahead - dx)
    this.#codes += code.toString(16).padStart(4, '0')
    this.#ahead = dx + width - advance
  }

  /**
   * What was shown, with the pen at the end of the last glyph: the inside of a TJ array or, where glyphs stand above
   * or below the line, whole operators.
   */
  finish(): { readonly array: string; readonly operators: string | undefined } {
    this.#correct(this.#ahead)
    this.#endString()
    if (!this.#done) return { array: this.#array, operators: undefined }
    this.#flush()
    return { array: '', operators: this.#rise === 0 ? this.#done : `${this.#done}0 Ts ` }
  }

  #correct(left: number): void {
    if (left === 0) return
    this.#endString()
    this.#array += left
  }

  #endString(): void {
    if (this.#codes) this.#array += `<${this.#codes}>`
    this.#codes = ''
  }

  #flush(): void {
    this.#endString()
    if (this.#array) this.#done += `[${this.#array}]TJ `
    this.#array = ''
  }
}
