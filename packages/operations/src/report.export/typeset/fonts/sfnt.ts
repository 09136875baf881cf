import { unitsPerEm } from './face.ts'

/** Reads the little of a TrueType file that a PDF wants to know. */
export class SfntTables {
  readonly #view: DataView
  readonly #starts = new Map<string, number>()

  constructor(sfnt: Uint8Array) {
    this.#view = new DataView(sfnt.buffer, sfnt.byteOffset, sfnt.byteLength)
    for (let i = 0, at = 12; i < this.#view.getUint16(4); i++, at += 16) {
      const name = String.fromCharCode(...sfnt.subarray(at, at + 4))
      this.#starts.set(name, this.#view.getUint32(at + 8))
    }
  }

  /** xMin, yMin, xMax and yMax around all glyphs, in thousandths of the font size. */
  boundingBox(): number[] {
    const head = this.#start('head')
    const unitsOfFile = this.#view.getUint16(head + 18)
    return [36, 38, 40, 42].map((at) =>
      Math.round((this.#view.getInt16(head + at) * unitsPerEm) / unitsOfFile),
    )
  }

  /** The id of a glyph that draws nothing. A subset that keeps its ids has one wherever a glyph was left out. */
  emptyGlyph(): number {
    const loca = this.#start('loca')
    const isLong = this.#view.getInt16(this.#start('head') + 50) === 1
    const offset = (id: number) =>
      isLong ? this.#view.getUint32(loca + 4 * id) : this.#view.getUint16(loca + 2 * id)
    const count = this.#view.getUint16(this.#start('maxp') + 4)
    for (let id = 1; id < count; id++) if (offset(id) === offset(id + 1)) return id
    return count // no such glyph: PDF readers draw nothing for it either
  }

  #start(table: string): number {
    const start = this.#starts.get(table)
    if (start === undefined) throw new Error(`The font has no ${table} table`)
    return start
  }
}
