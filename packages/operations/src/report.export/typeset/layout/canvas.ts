import { number } from '../pdf/syntax.ts'
import type { Line } from '../text/lineBuilder.ts'
import { type Colour, colour } from './design.ts'

/** What is drawn on one page, or on one form: shapes first, text above them, forms last. */
export class Canvas {
  readonly #shapes: string[] = []
  readonly #text: string[] = []
  readonly #forms: string[] = []
  #textColour = ''

  /** Draws the line with its first character at `x` on the baseline `y`. */
  text(line: Line, x: number, y: number, inColour: Colour = colour.ink): void {
    this.#place(line.operators, x, y, inColour)
  }

  /** Draws the line so that it ends at `x`. Squeezed if wider than `room`: what is right-aligned is never cut. */
  textEndingAt(x: number, line: Line, y: number, room: number, inColour: Colour = colour.ink): void {
    if (line.width > room) {
      const percent = number((100 * room) / line.width)
      this.#place(`${percent} Tz ${line.operators}100 Tz `, x - room, y, inColour)
    } else {
      this.#place(line.operators, x - line.width, y, inColour)
    }
  }

  rule(x1: number, x2: number, y: number, thickness: number, inColour: Colour): void {
    const [from, to, at] = [number(x1), number(x2), number(y)]
    this.#shapes.push(`${inColour} RG ${thickness} w ${from} ${at} m ${to} ${at} l S\n`)
  }

  box(x: number, y: number, width: number, height: number, inColour: Colour): void {
    this.#shapes.push(`${inColour} rg ${number(x)} ${number(y)} ${number(width)} ${number(height)} re f\n`)
  }

  /** Shows a form, which may be drawn later than the page. */
  form(name: string, x: number, y: number): void {
    this.#forms.push(`q 1 0 0 1 ${number(x)} ${number(y)} cm /${name} Do Q\n`)
  }

  get content(): string {
    return [...this.#shapes, 'BT\n', ...this.#text, 'ET\n', ...this.#forms].join('')
  }

  #place(operators: string, x: number, y: number, inColour: Colour): void {
    if (inColour !== this.#textColour) this.#text.push(inColour, ' rg ')
    this.#textColour = inColour
    this.#text.push('1 0 0 1 ', number(x), ' ', number(y), ' Tm ', operators, '\n')
  }
}
