import type { Face } from '../fonts/face.ts'

/** What a page shows by one code. */
export interface Code {
  /** The glyph that is drawn; undefined for mere room, as that of the second letter of a ligature. */
  readonly id: number | undefined
  /** In thousandths of the size. */
  readonly width: number
  /** What a reader gets who copies it; empty for a part of what stands beside it. */
  readonly text: string
}

/** Codes are two bytes long. */
const lastNumber = 0xffff

/**
 * Format characters (category Cf). Where a code has no text, some readers take its number for a character; if the
 * number is one of these, they show and copy nothing.
 */
const silent = [
  [0xad, 0xad],
  [0x600, 0x605],
  [0x61c, 0x61c],
  [0x6dd, 0x6dd],
  [0x70f, 0x70f],
  [0x8e2, 0x8e2],
  [0x180e, 0x180e],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x2064],
  [0x2066, 0x206f],
  [0xfff9, 0xfffb],
].flatMap(([first = 0, last = 0]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))

/**
 * How one report uses one font: under which name, and with which codes. A page shows codes; the file says with which
 * glyph a code is drawn and for which text it stands. The same glyph has another code where it stands for other text,
 * so that what a reader copies or searches is what was written, whatever shaping did to it.
 */
export class FontUse {
  readonly face: Face
  /** The font's name in the resources of the pages: `F1`, `F2`, … in the order of first use. */
  readonly resource: string
  readonly #codes = new Map<number, Code>()
  readonly #numbers = new Map<string, number>()
  /** The first code of each glyph. */
  readonly #first = new Map<number | undefined, number>()
  readonly #widths = new Map<number, number>()
  #next = 1 // 0 is the missing glyph's
  #silentUsed = 0

  constructor(face: Face, resource: string) {
    this.face = face
    this.resource = resource
  }

  /** The codes by their numbers, in the order of their numbers. */
  get codes(): readonly (readonly [number: number, code: Code])[] {
    return [...this.#codes].sort(([a], [b]) => a - b)
  }

  codeFor({ id, width, text }: Code): number {
    const key = `${id} ${width} ${text}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    // Out of numbers (only text made for it gets there), a glyph is still drawn, if with another's text.
    if (this.#next > lastNumber) return this.#first.get(id) ?? 0
    const number = this.#newNumber(text)
    this.#numbers.set(key, number)
    this.#codes.set(number, { id, width, text })
    if (!this.#first.has(id)) this.#first.set(id, number)
    return number
  }

  /** The glyph's own advance in thousandths of the size, before kerning. */
  width(glyph: number): number {
    let width = this.#widths.get(glyph)
    if (width === undefined) {
      width = this.face.font.glyphHAdvance(glyph)
      this.#widths.set(glyph, width)
    }
    return width
  }

  #newNumber(text: string): number {
    if (text === '' && this.#silentUsed < silent.length) return silent[this.#silentUsed++]!
    while (silent.includes(this.#next)) this.#next += 1
    return this.#next++
  }
}

/** The fonts of one report. Named in the order of use, so that the same report has the same bytes every time. */
export class FontUses {
  readonly #uses = new Map<Face, FontUse>()

  of(face: Face): FontUse {
    let use = this.#uses.get(face)
    if (!use) {
      use = new FontUse(face, `F${this.#uses.size + 1}`)
      this.#uses.set(face, use)
    }
    return use
  }

  [Symbol.iterator](): Iterator<FontUse> {
    return this.#uses.values()
  }
}
