import { add, type Decimal, formatMoney, zero } from '../money.ts'
import { countInWords, currencyInWords, numberInWords } from '../wording.ts'
import { type Column, drawHeader, drawRow } from './columns.ts'
import { bottom, colour, headerHeight, left, rowHeight, size } from './design.ts'
import type { Pages } from './pages.ts'
import type { ReportType } from './type.ts'

/** How many orders there were in each currency, and what they come to. */
export class Totals {
  readonly #byCurrency = new Map<string, { count: number; sum: Decimal }>()
  #count = 0

  /** All orders. */
  get count(): number {
    return this.#count
  }

  get currencies(): number {
    return this.#byCurrency.size
  }

  add(currency: string, amount: Decimal): void {
    const { count, sum } = this.#byCurrency.get(currency) ?? { count: 0, sum: zero }
    this.#byCurrency.set(currency, { count: count + 1, sum: add(sum, amount) })
    this.#count += 1
  }

  /** Draws the table; yields after each page, of which there may be some. */
  async *draw(pages: Pages, type: ReportType): AsyncGenerator<void> {
    const columns: Column[] = [
      { label: 'Currency', x: left, width: 36, colour: colour.ink, setter: type.bodyStrong },
      { label: '', x: left + 46, width: 130, colour: colour.muted },
      { label: 'Orders', x: left + 185, width: 50, colour: colour.ink, atRight: true },
      {
        label: 'Total',
        x: left + 250,
        width: 120,
        colour: colour.ink,
        atRight: true,
        setter: type.bodyStrong,
      },
    ]
    const heading = 3 * rowHeight
    const rows = [...this.#byCurrency].sort(([a], [b]) => (a < b ? -1 : 1))
    // The heading stays with its first rows, and a short table stays whole.
    const together = heading + headerHeight + Math.min(rows.length, 6) * rowHeight
    if (pages.y - together < bottom) await pages.turn()
    pages.y -= heading
    pages.canvas.text(type.heading.line('Totals by currency'), left, pages.y + size.body)
    drawHeader(pages, columns, type.label)
    for (const [currency, { count, sum }] of rows) {
      const [code = '', name = ''] = await type.prepare(currency, currencyInWords(currency))
      if (pages.y - rowHeight < bottom) {
        await pages.turn()
        yield
        drawHeader(pages, columns, type.label)
      }
      drawRow(pages, columns, type.body, [code, name, numberInWords(count), formatMoney(sum, currency)])
    }
  }

  /** `50,000 orders in 3 currencies` */
  inWords(): string {
    const currencies =
      this.currencies === 1 ? 'one currency' : countInWords(this.currencies, 'currency', 'currencies')
    return `${countInWords(this.count, 'order')} in ${currencies}`
  }
}
