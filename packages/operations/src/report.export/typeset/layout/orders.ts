import type { Decimal } from '../money.ts'
import { formatMoney } from '../money.ts'
import { hasRightToLeft } from '../text/direction.ts'
import { type Column, drawHeader, drawRow } from './columns.ts'
import { bottom, colour, left, right, rowHeight } from './design.ts'
import type { Pages } from './pages.ts'
import type { ReportType } from './type.ts'

export interface OrderRow {
  readonly order_id: string
  readonly customer: string
  readonly currency: string
  readonly items: readonly { readonly description: string; readonly quantity: number }[]
}

const gap = 9
const enough = 120 // characters: no summary of that length fits its column

/** The table of orders, one line an order, over as many pages as it takes. */
export class OrderTable {
  readonly #pages: Pages
  readonly #type: ReportType
  readonly #columns: readonly Column[]
  #begun = false

  constructor(pages: Pages, type: ReportType) {
    this.#pages = pages
    this.#type = type
    const widths = { time: 65, id: 79, customer: 114, currency: 29, total: 61 }
    const items = right - left - 5 * gap - Object.values(widths).reduce((sum, width) => sum + width)
    let x = left
    const column = (label: string, width: number, rest: Partial<Column> = {}): Column => {
      const at = x
      x += width + gap
      return { label, x: at, width, colour: colour.ink, ...rest }
    }
    this.#columns = [
      column('Date, time (UTC)', widths.time, { colour: colour.muted }),
      column('Order', widths.id),
      column('Customer', widths.customer),
      column('Items', items, { colour: colour.muted }),
      column('Currency', widths.currency, { colour: colour.muted }),
      column('Total', widths.total, { atRight: true }),
    ]
  }

  async add(time: Date, order: OrderRow, total: Decimal): Promise<void> {
    const [id = '', customer = '', items = '', currency = ''] = await this.#type.prepare(
      order.order_id,
      order.customer,
      summary(order.items),
      order.currency,
    )
    if (!this.#begun || this.#pages.y - rowHeight < bottom) {
      if (this.#begun) await this.#pages.turn()
      drawHeader(this.#pages, this.#columns, this.#type.label)
      this.#begun = true
    }
    const moment = time.toISOString()
    drawRow(this.#pages, this.#columns, this.#type.body, [
      `${moment.slice(0, 10)} ${moment.slice(11, 16)}`,
      id,
      customer,
      items,
      currency,
      formatMoney(total, order.currency),
    ])
  }
}

/** `2 × Lamp, 1 × Chair`, as far as there can be room for it. */
function summary(items: OrderRow['items']): string {
  let text = ''
  for (const { quantity, description } of items) {
    text += `${text && ', '}${quantity} × ${isolated(description)}`
    if (text.length > enough) break
  }
  return text
}

/** Keeps a right-to-left description from turning round the count and the other items beside it (UAX #9, FSI). */
function isolated(text: string): string {
  return hasRightToLeft(text) ? `\u2068${text}\u2069` : text
}
