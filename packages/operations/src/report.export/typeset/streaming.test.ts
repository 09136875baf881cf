import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { typesetReport } from './report.ts'
import { makeOrders } from './testing/orders.ts'
import { makeReport, range } from './testing/read-report.ts'
import type { ReportOrder } from './types.ts'

/** Orders without end, which tell how many were taken and whether they were given back. */
function endlessOrders() {
  const seen = { batches: 0, returned: false }
  async function* orders(): AsyncGenerator<ReportOrder[]> {
    try {
      for await (const batch of makeOrders(Number.POSITIVE_INFINITY)) {
        seen.batches += 1
        yield batch
      }
    } finally {
      seen.returned = true
    }
  }
  return { seen, orders: orders() }
}

describe('a report in the making', () => {
  it('comes in chunks of some 64 kB', async () => {
    const sizes: number[] = []
    for await (const bytes of typesetReport({ ...range, orders: makeOrders(10_000) }))
      sizes.push(bytes.length)
    expect(sizes.length).toBeGreaterThan(10)
    expect(Math.max(...sizes)).toBeLessThan(500_000)
  })

  it('works no further than somebody asks', async () => {
    const { seen, orders } = endlessOrders()
    const report = typesetReport({ ...range, orders })
    await report.next()
    const taken = seen.batches
    await wait(50)
    expect(seen.batches).toBe(taken)
    expect(taken * 100, 'orders for 64 kB').toBeLessThan(2000)
    await report.return(undefined)
    expect(seen.returned).toBe(true)
  })

  it('stops at once when it is aborted between two chunks', async () => {
    const { seen, orders } = endlessOrders()
    const abort = new AbortController()
    const report = typesetReport({ ...range, orders, signal: abort.signal })
    await report.next()
    abort.abort(new Error('canceled'))
    await expect(report.next()).rejects.toThrow('canceled')
    expect(seen.returned).toBe(true)
  })

  it('stops at once when it is aborted while it waits for orders', async () => {
    const hanging = { next: () => new Promise<never>(() => {}), [Symbol.asyncIterator]: () => hanging }
    const abort = new AbortController()
    const chunk = typesetReport({ ...range, orders: hanging, signal: abort.signal }).next()
    setTimeout(() => abort.abort(new Error('canceled')), 20)
    await expect(chunk).rejects.toThrow('canceled')
  })

  it('does not begin when it is aborted before', async () => {
    const { seen, orders } = endlessOrders()
    const signal = AbortSignal.abort(new Error('canceled'))
    await expect(typesetReport({ ...range, orders, signal }).next()).rejects.toThrow('canceled')
    expect(seen.batches).toBe(0)
  })

  it('fails as its orders fail', async () => {
    async function* broken(): AsyncGenerator<ReportOrder[]> {
      yield* makeOrders(100)
      throw new Error('connection lost')
    }
    await expect(makeReport([], { orders: broken() })).rejects.toThrow('connection lost')
  })

  it('is made beside others', async () => {
    const [one, other] = await Promise.all([makeReport(500), makeReport(500)])
    expect(one.equals(other)).toBe(true)
  })
})
