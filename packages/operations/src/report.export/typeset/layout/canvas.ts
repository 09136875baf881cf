import { ByteBuilder } from '../pdf/byte-builder.ts'
import { number } from '../pdf/syntax.ts'
import type { Line } from '../text/line-builder.ts'
import { type Colour, colour } from './design.ts'

const beginText = Buffer.from('BT')
const endText = Buffer.from('\nET\n')

/** What is drawn on a page: shapes, and text above them. */
export class Canvas {
  readonly #shapes = new ByteBuilder()
  readonly #text = new ByteBuilder()
  #textColour = ''

  /** Draws the line with its first character at `x` on the baseline `y`. */
  text(line: Line, x: number, y: number, inColour: Colour = colour.ink): void {
    this.#moveTo(x, y, inColour)
    this.#text.add(line.operators)
  }

  /** Draws the line so that it ends at `x`. Squeezed if wider than `room`: what is right-aligned is never cut. */
  textEndingAt(x: number, line: Line, y: number, room: number, inColour: Colour = colour.ink): void {
    const squeezed = line.width > room
    this.#moveTo(x - (squeezed ? room : line.width), y, inColour)
    if (squeezed) this.#text.add(`${number((100 * room) / line.width)} Tz `)
    this.#text.add(line.operators)
    if (squeezed) this.#text.add('100 Tz ')
  }

  rule(x1: number, x2: number, y: number, thickness: number, inColour: Colour): void {
    const [from, to, at] = [number(x1), number(x2), number(y)]
    this.#shapes.add(`${inColour} RG ${thickness} w ${from} ${at} m ${to} ${at} l S\n`)
  }

  box(x: number, y: number, width: number, height: number, inColour: Colour): void {
    this.#shapes.add(`${inColour} rg ${number(x)} ${number(y)} ${number(width)} ${number(height)} re f\n`)
  }

  /** Hands over what was drawn so far, as a content stream, and is empty again. */
  take(): Uint8Array {
    const content = Buffer.concat([this.#shapes.view(), beginText, this.#text.view(), endText])
    this.#shapes.clear()
    this.#text.clear()
    this.#textColour = ''
    return content
  }

  #moveTo(x: number, y: number, inColour: Colour): void {
    const paint = inColour === this.#textColour ? '' : `${inColour} rg `
    this.#textColour = inColour
    this.#text.add(`\n${paint}1 0 0 1 ${number(x)} ${number(y)} Tm `)
  }
}
