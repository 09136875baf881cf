export interface ReportOrder {
  readonly order_id: string
  /** RFC 3339, with any offset; shown in UTC. */
  readonly ordered_at: string
  readonly customer: string
  /** ISO 4217 */
  readonly currency: string
  readonly items: readonly {
    readonly sku: string
    readonly description: string
    readonly quantity: number
    /** A decimal number, such as `9.5000`. */
    readonly unit_price: string
  }[]
}

export interface ReportHead {
  /** The first day of the range, `2021-09-01`, in UTC. */
  readonly startDate: string
  /** The day after its last. */
  readonly endDate: string
  /** Stands on every page and in the document's properties. */
  readonly generatedAt: Date
}

export interface ReportOptions extends ReportHead {
  /** In time order, in batches of any size. */
  readonly orders: AsyncIterable<readonly ReportOrder[]>
  readonly signal?: AbortSignal
}
