import { unitsPerEm } from '../fonts/face.ts'
import type { FontUse } from './fontUse.ts'
import type { Run } from './run.ts'

/** A line of type. */
export interface Line {
  /** In points. */
  readonly width: number
  /** PDF operators that draw it from where the text position is; they choose their fonts themselves. */
  readonly operators: string
}

/** Puts runs together from left to right, with no more operators than it takes. */
export class LineBuilder {
  readonly #size: number
  /** Joined at the end, once: piecemeal concatenation would leave several times the line behind as garbage. */
  readonly #parts: string[] = []
  #width = 0
  #font: FontUse | undefined
  #isInArray = false

  /** `size` is that of the font, in points. */
  constructor(size: number) {
    this.#size = size
  }

  add({ use, width, array, operators }: Run): void {
    this.#width += width
    if (use !== this.#font) {
      this.#endArray()
      this.#font = use
      this.#parts.push('/', use.resource, ' ', String(this.#size), ' Tf ')
    }
    if (operators !== undefined) {
      this.#endArray()
      this.#parts.push(operators)
      return
    }
    if (!this.#isInArray) this.#parts.push('[')
    this.#isInArray = true
    this.#parts.push(array)
  }

  line(): Line {
    this.#endArray()
    return { width: (this.#width * this.#size) / unitsPerEm, operators: this.#parts.join('') }
  }

  #endArray(): void {
    if (this.#isInArray) this.#parts.push(']TJ ')
    this.#isInArray = false
  }
}
