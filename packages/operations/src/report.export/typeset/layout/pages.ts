import { number, type Ref, reference } from '../pdf/syntax.ts'
import type { PdfWriter } from '../pdf/writer.ts'
import type { Line } from '../text/line-builder.ts'
import { numberInWords } from '../wording.ts'
import { Canvas } from './canvas.ts'
import { colour, footBaseline, headBaseline, left, pageHeight, pageWidth, right, top } from './design.ts'
import type { ReportType } from './type.ts'

/** A line that is known only later: how many pages there are, what the orders come to. */
export interface Blank {
  readonly ref: Ref
}

export interface Furniture {
  /** Left and right in the running head of every page but the first. */
  readonly head: readonly [string, string]
  /** Right in the foot of every page. */
  readonly foot: string
}

/**
 * The pages, written one by one. What is known only at the end (how many there are, which fonts they use) stands in
 * objects that all pages name and that are written last.
 */
export class Pages {
  /** The dictionary of all fonts, which somebody else writes. */
  readonly fonts: Ref
  /** Where this page is drawn. */
  readonly canvas = new Canvas()
  /** Where the next thing goes on this page: the top of what is still free. */
  y = top
  readonly #pdf: PdfWriter
  readonly #type: ReportType
  readonly #furniture: Furniture
  readonly #tree: Ref
  readonly #total: Blank
  readonly #written: Ref[] = []
  #page: Ref
  #contents: Ref[] = []

  constructor(pdf: PdfWriter, type: ReportType, furniture: Furniture) {
    this.#pdf = pdf
    this.#type = type
    this.#furniture = furniture
    this.#tree = pdf.reserve()
    this.fonts = pdf.reserve()
    this.#page = pdf.reserve()
    this.#total = this.newBlank()
  }

  /** The number of the current page, from 1. */
  get number(): number {
    return this.#written.length + 1
  }

  /** The current page, for those who point to it. */
  get page(): Ref {
    return this.#page
  }

  /** Ends this page and begins the next. */
  async turn(): Promise<void> {
    await this.#end()
    this.#page = this.#pdf.reserve()
    this.y = top
    const { small } = this.#type
    const [headLeft, headRight] = this.#furniture.head
    this.canvas.text(small.line(headLeft), left, headBaseline, colour.muted)
    this.canvas.textEndingAt(right, small.line(headRight), headBaseline, right - left, colour.muted)
    this.drawFoot()
  }

  newBlank(): Blank {
    return { ref: this.#pdf.reserve() }
  }

  /** Leaves the blank at (x, y), on this page and perhaps on others. It must be filled in before the end. */
  async leave(blank: Blank, x: number, y: number): Promise<void> {
    // A page's content may come in parts; this part ends with the move to where the blank's begins.
    await this.#writePart(`q 1 0 0 1 ${number(x)} ${number(y)} cm\n`)
    this.#contents.push(blank.ref)
  }

  async fillIn(blank: Blank, line: Line): Promise<void> {
    await this.#pdf.stream(blank.ref, '', `BT ${colour.muted} rg ${line.operators}ET Q\n`)
  }

  /** Ends the last page and writes what all pages share, besides the fonts. Returns the root of the page tree. */
  async end(): Promise<Ref> {
    await this.#end()
    const count = this.#written.length
    await this.fillIn(this.#total, this.#type.small.line(` of ${numberInWords(count)}`))
    this.#pdf.object(
      this.#tree,
      `<</Type/Pages/Count ${count}/Kids[${references(this.#written)}]` +
        `/MediaBox[0 0 ${pageWidth} ${pageHeight}]/Resources<</Font ${reference(this.fonts)}>>>>`,
    )
    return this.#tree
  }

  /** Draws what stands at the foot besides the number; on the first page, whoever begins it does that. */
  drawFoot(): void {
    const line = this.#type.small.line(this.#furniture.foot)
    this.canvas.textEndingAt(right, line, footBaseline, right - left, colour.muted)
  }

  async #end(): Promise<void> {
    const { small } = this.#type
    const page = small.line(`Page ${numberInWords(this.number)}`)
    this.canvas.text(page, left, footBaseline, colour.muted)
    await this.leave(this.#total, left + page.width, footBaseline)
    this.#pdf.object(
      this.#page,
      `<</Type/Page/Parent ${reference(this.#tree)}/Contents[${references(this.#contents)}]>>`,
    )
    this.#written.push(this.#page)
    this.#contents = []
  }

  async #writePart(ending: string): Promise<void> {
    const ref = this.#pdf.reserve()
    this.#contents.push(ref)
    await this.#pdf.stream(ref, '', Buffer.concat([this.canvas.take(), Buffer.from(ending)]))
  }
}

function references(refs: readonly Ref[]): string {
  return refs.map(reference).join(' ')
}
