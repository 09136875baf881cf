import type { FontLibrary } from '../fonts/library.ts'
import { type Decimal, orderTotal } from '../money.ts'
import { embedFont } from '../pdf/embed.ts'
import { type Bookmark, writeOutline } from '../pdf/outline.ts'
import { type Ref, reference } from '../pdf/syntax.ts'
import { PdfWriter } from '../pdf/writer.ts'
import type { ReportHead, ReportOrder } from '../types.ts'
import { dayInWords, momentInWords, numberInWords, rangeInWords } from '../wording.ts'
import { colour, left, pageHeight } from './design.ts'
import { OrderTable } from './orders.ts'
import { type Blank, Pages } from './pages.ts'
import { Totals } from './totals.ts'
import { ReportType } from './type.ts'

const title = 'Orders'
const dayMs = 86_400_000

/** One report in the making: a title, the table of orders, the totals. Written front to back, once. */
export class ReportDocument {
  readonly #pdf = new PdfWriter()
  readonly #type: ReportType
  readonly #pages: Pages
  readonly #table: OrderTable
  readonly #totals = new Totals()
  readonly #days: Bookmark[] = []
  readonly #generatedAt: Date
  readonly #range: string
  /** Stands on the first page if there are orders, and tells how many. */
  #summary: Blank | undefined
  #day = Number.NaN

  constructor(library: FontLibrary, { startDate, endDate, generatedAt }: ReportHead) {
    this.#generatedAt = generatedAt
    this.#range = rangeInWords(startDate, endDate)
    this.#type = new ReportType(library)
    this.#pages = new Pages(this.#pdf, this.#type, {
      head: [title, this.#range],
      foot: `Generated ${momentInWords(generatedAt)}`,
    })
    this.#table = new OrderTable(this.#pages, this.#type)
    this.#drawTitle()
  }

  async add(order: ReportOrder): Promise<void> {
    const { time, total } = amountsOf(order)
    this.#summary ??= await this.#leaveRoomForSummary()
    this.#totals.add(order.currency, total)
    await this.#table.add(time, order, total)
    this.#bookmark(time)
  }

  /** The bytes that are worth handing on by now. */
  *ready(): Generator<Uint8Array> {
    const bytes = this.#pdf.take()
    if (bytes) yield bytes
  }

  /** Writes what comes after the orders, and yields the rest of the bytes. */
  async *end(): AsyncGenerator<Uint8Array> {
    if (this.#summary) {
      for await (const _page of this.#totals.draw(this.#pages, this.#type)) yield* this.ready()
      await this.#fillIn(this.#summary)
    } else {
      this.#sayThatThereAreNone()
    }
    const tree = await this.#pages.end()
    const outline = this.#days.length > 1 ? writeOutline(this.#pdf, this.#days) : undefined
    for await (const _font of this.#embedFonts()) yield* this.ready()
    await this.#writeCatalogue(tree, outline)
    const rest = this.#pdf.take(true)
    if (rest) yield rest
  }

  #drawTitle(): void {
    const { canvas } = this.#pages
    const top = pageHeight - 42
    canvas.box(left, top, 26, 3, colour.accent)
    canvas.text(this.#type.title.line(title), left, top - 31)
    canvas.text(this.#type.subtitle.line(this.#range), left, top - 50, colour.accent)
    this.#pages.drawFoot()
    this.#pages.y = top - 50
  }

  async #leaveRoomForSummary(): Promise<Blank> {
    const summary = this.#pages.newBlank()
    await this.#pages.leave(summary, left, this.#pages.y - 16)
    this.#pages.y -= 30
    return summary
  }

  async #fillIn(summary: Blank): Promise<void> {
    const where = `totals on page ${numberInWords(this.#pages.number)}`
    await this.#pages.fillIn(summary, this.#type.lead.line(`${this.#totals.inWords()}, ${where}`))
  }

  #sayThatThereAreNone(): void {
    const { canvas, y } = this.#pages
    const [from, to] = this.#range.replace(' (UTC)', '').split(' to ')
    const when = to ? `from ${from} to ${to}, both days included` : `on ${from}`
    canvas.text(this.#type.heading.line('No orders in this range'), left, y - 48)
    canvas.text(this.#type.lead.line(`Nothing was ordered ${when}. Days are counted in UTC.`), left, y - 66)
  }

  async *#embedFonts(): AsyncGenerator<void> {
    const entries: string[] = []
    for (const use of this.#type.uses) {
      const ref = this.#pdf.reserve()
      await embedFont(this.#pdf, ref, use)
      entries.push(`/${use.resource} ${reference(ref)}`)
      yield
    }
    this.#pdf.object(this.#pages.fonts, `<<${entries.join('')}>>`)
  }

  async #writeCatalogue(tree: Ref, outline: Ref | undefined): Promise<void> {
    const catalogue = this.#pdf.reserve()
    const bookmarks = outline === undefined ? '' : `/Outlines ${reference(outline)}`
    this.#pdf.object(
      catalogue,
      `<</Type/Catalog/Pages ${reference(tree)}${bookmarks}/Lang(en)/ViewerPreferences<</DisplayDocTitle true>>>>`,
    )
    await this.#pdf.end(catalogue, { title: `${title}, ${this.#range}`, createdAt: this.#generatedAt })
  }

  /** A reader of a thousand pages looks for a day. */
  #bookmark(time: Date): void {
    const day = Math.floor(time.getTime() / dayMs)
    if (day === this.#day) return
    this.#day = day
    this.#days.push({ title: dayInWords(time), page: this.#pages.page })
  }
}

function amountsOf(order: ReportOrder): { time: Date; total: Decimal } {
  const time = new Date(order.ordered_at)
  if (Number.isNaN(time.getTime())) throw new RangeError(`The time of order ${order.order_id} cannot be read`)
  try {
    return { time, total: orderTotal(order.items) }
  } catch (cause) {
    throw new RangeError(`The amounts of order ${order.order_id} cannot be read`, { cause })
  }
}
