import { type Ref, reference } from '../pdf/syntax.ts'
import type { PdfWriter } from '../pdf/writer.ts'
import type { Line } from '../text/lineBuilder.ts'
import { numberInWords } from '../wording.ts'
import { Canvas } from './canvas.ts'
import { colour, footBaseline, headBaseline, left, pageHeight, pageWidth, right, top } from './design.ts'
import type { ReportType } from './type.ts'

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
  readonly fonts: Ref
  /** Where the next thing goes on this page: the top of what is still free. */
  y = top
  canvas = new Canvas()
  readonly #pdf: PdfWriter
  readonly #type: ReportType
  readonly #furniture: Furniture
  readonly #tree: Ref
  readonly #resources: Ref
  readonly #forms = new Map<string, Ref>()
  readonly #written: Ref[] = []
  #page: Ref

  constructor(pdf: PdfWriter, type: ReportType, furniture: Furniture) {
    this.#pdf = pdf
    this.#type = type
    this.#furniture = furniture
    this.#tree = pdf.reserve()
    this.#resources = pdf.reserve()
    this.fonts = pdf.reserve()
    this.#page = pdf.reserve()
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
    this.canvas = new Canvas()
    this.y = top
    const { small } = this.#type
    const [headLeft, headRight] = this.#furniture.head
    this.canvas.text(small.line(headLeft), left, headBaseline, colour.muted)
    this.canvas.textEndingAt(right, small.line(headRight), headBaseline, right - left, colour.muted)
  }

  /** Shows what is known only later: `fillIn` draws it when it is. */
  blank(name: string, x: number, y: number): void {
    this.#formRef(name)
    this.canvas.form(name, x, y)
  }

  async fillIn(name: string, line: Line): Promise<void> {
    const canvas = new Canvas()
    canvas.text(line, 0, 0, colour.muted)
    const box = `/BBox[0 -10 ${Math.ceil(line.width) + 1} 20]`
    const entries = `/Type/XObject/Subtype/Form${box}/Resources<</Font ${reference(this.fonts)}>>`
    await this.#pdf.stream(this.#formRef(name), entries, canvas.content)
  }

  /** Ends the last page and writes what all pages share, besides the fonts. Returns the root of the page tree. */
  async end(): Promise<Ref> {
    await this.#end()
    const count = this.#written.length
    await this.fillIn('Total', this.#type.small.line(` of ${numberInWords(count)}`))
    const forms = Array.from(this.#forms, ([name, ref]) => `/${name} ${reference(ref)}`).join('')
    this.#pdf.object(this.#resources, `<</Font ${reference(this.fonts)}/XObject<<${forms}>>>>`)
    this.#pdf.object(
      this.#tree,
      `<</Type/Pages/Count ${count}/Kids[${this.#written.map(reference).join(' ')}]` +
        `/MediaBox[0 0 ${pageWidth} ${pageHeight}]/Resources ${reference(this.#resources)}>>`,
    )
    return this.#tree
  }

  async #end(): Promise<void> {
    const { small } = this.#type
    const number = small.line(`Page ${numberInWords(this.number)}`)
    this.canvas.text(number, left, footBaseline, colour.muted)
    this.blank('Total', left + number.width, footBaseline)
    this.canvas.textEndingAt(
      right,
      small.line(this.#furniture.foot),
      footBaseline,
      right - left,
      colour.muted,
    )
    const content = this.#pdf.reserve()
    await this.#pdf.stream(content, '', this.canvas.content)
    this.#pdf.object(
      this.#page,
      `<</Type/Page/Parent ${reference(this.#tree)}/Contents ${reference(content)}>>`,
    )
    this.#written.push(this.#page)
  }

  #formRef(name: string): Ref {
    let ref = this.#forms.get(name)
    if (ref === undefined) {
      ref = this.#pdf.reserve()
      this.#forms.set(name, ref)
    }
    return ref
  }
}
