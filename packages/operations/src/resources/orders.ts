import { Line, Moment, Text } from '@accepted/contract'
import { type Static, Type } from 'typebox'
import type { ResourceSpace } from './resource-space.ts'

/** An order as it is sent and kept. Money is a decimal string: a JSON number would round it. */
export const Order = Type.Object(
  {
    order_id: Line({ minLength: 1, maxLength: 100, examples: ['A-1'] }),
    ordered_at: Moment({
      description: 'RFC 3339, with any offset',
      examples: ['2021-10-03T10:00:00Z'],
    }),
    customer: Line({ minLength: 1, maxLength: 200, examples: ['Zoë'] }),
    currency: Type.String({
      pattern: '^[A-Z]{3}$',
      maxLength: 3,
      description: 'ISO 4217',
      examples: ['EUR'],
    }),
    items: Type.Array(
      Type.Object(
        {
          sku: Line({ minLength: 1, maxLength: 100, examples: ['X1'] }),
          description: Text({ maxLength: 500, examples: ['Lamp'] }),
          quantity: Type.Integer({ minimum: 1, maximum: 1_000_000, examples: [2] }),
          unit_price: Type.String({
            pattern: '^\\d{1,12}(\\.\\d{1,6})?$',
            maxLength: 19,
            description: 'A decimal',
            examples: ['9.50'],
          }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 1000 },
    ),
  },
  { title: 'Order', additionalProperties: false },
)
export type Order = Static<typeof Order>

const PAGE = 500

/**
 * The orders of a tenant: `orders` is a hash of orders as JSON by their id, `orders:time` a zset of the ids by
 * `ordered_at` (ms).
 */
export function orderStore({ redis, key }: ResourceSpace) {
  const orders = key('orders')
  const byTime = key('orders:time')
  return {
    /** Adds orders, all or none; an `order_id` known already is replaced, and the last of a batch wins. */
    async put(batch: Order[]): Promise<void> {
      const results = await redis
        .multi()
        .hset(orders, ...batch.flatMap((order) => [order.order_id, JSON.stringify(order)]))
        .zadd(byTime, ...batch.flatMap((order) => [Date.parse(order.ordered_at), order.order_id]))
        .exec()
      for (const [error] of results ?? []) if (error) throw error
    },

    /** How many orders lie in a range of time, `from` in it, `until` not. */
    async count(from: Date, until: Date): Promise<number> {
      return redis.zcount(byTime, from.getTime(), `(${until.getTime()}`)
    },

    /** The orders of a range by time, in batches. */
    async *between(from: Date, until: Date): AsyncGenerator<Order[]> {
      let start: number | string = from.getTime()
      // Of the orders at the very time where the last batch ended, so many have been seen.
      let seen = 0
      while (true) {
        const page: string[] = await redis.zrange(
          byTime,
          start,
          `(${until.getTime()}`,
          'BYSCORE',
          'LIMIT',
          seen,
          PAGE,
          'WITHSCORES',
        )
        if (page.length === 0) return
        const ids = page.filter((_, index) => index % 2 === 0)
        const texts = await redis.hmget(orders, ...ids)
        yield texts.filter((text) => text !== null).map((text) => JSON.parse(text) as Order)
        const last = page.at(-1)!
        const atLast = page.filter((score, index) => index % 2 === 1 && score === last).length
        seen = String(start) === last ? seen + atLast : atLast
        start = last
      }
    },
  }
}
