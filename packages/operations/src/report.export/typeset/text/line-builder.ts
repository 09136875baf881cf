import { unitsPerEm } from '../fonts/face.ts'
import type { FontUse } from './font-use.ts'
import type { Run } from './run.ts'

/** A line of type. */
export interface Line {
  /** In points. */
  readonly width: number
  /** PDF operators that draw it from where the text position is; they choose their fonts themselves. */
  readonly operators: string
}

/** A part of a line, shaped by itself. */
export interface Word {
  /** In thousandths of the size. */
  readonly width: number
  readonly runs: readonly Run[]
}

/** Puts words together from left to right, with no more operators than it takes. */
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

  add(word: Word): void {
    this.#width += word.width
    for (const run of word.runs) this.#addRun(run)
  }

  line(): Line {
    this.#endArray()
    return { width: (this.#width * this.#size) / unitsPerEm, operators: this.#parts.join('') }
  }

  #addRun({ use, array, operators }: Run): void {
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

  #endArray(): void {
    if (this.#isInArray) this.#parts.push(']TJ ')
    this.#isInArray = false
  }
}
