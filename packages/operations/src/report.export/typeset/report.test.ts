import { describe, expect, it } from 'vitest'
import { makeOrder, namesByScript } from './testing/orders.ts'
import { fontsOf, makeReport, readReport } from './testing/read-report.ts'

const order = makeOrder(0, {
  order_id: 'A-1',
  ordered_at: '2021-09-03T10:42:00Z',
  customer: 'Zoë Müller',
  currency: 'EUR',
  items: [{ sku: 'X1', description: 'Lamp', quantity: 2, unit_price: '9.50' }],
})

describe('a report', () => {
  it('begins with its title and the range in words, both days included', async () => {
    const { pages } = await readReport(await makeReport([order]))
    expect(pages[0]?.slice(0, 3)).toEqual([
      'Orders',
      '1 September 2021 to 30 September 2021 (UTC)',
      '1 order in one currency, totals on page 1',
    ])
  })

  it('sets each order on one line: time, id, customer, items, currency, total', async () => {
    const { pages } = await readReport(await makeReport([order]))
    expect(pages[0]).toContain('Date, time (UTC) Order Customer Items Currency Total')
    expect(pages[0]).toContain('2021-09-03 10:42 A-1 Zoë Müller 2 × Lamp EUR 19.00')
  })

  it('shows times in UTC, whatever their offset', async () => {
    const { pages } = await readReport(
      await makeReport([{ ...order, ordered_at: '2021-09-04T01:30:00+02:00' }]),
    )
    expect(pages[0]?.join('\n')).toContain('2021-09-03 23:30 A-1')
  })

  it('repeats head and column labels on each page and numbers it', async () => {
    const { pages } = await readReport(await makeReport(130))
    expect(pages).toHaveLength(3)
    for (const [i, lines] of pages.entries()) {
      expect(lines).toContain('Date, time (UTC) Order Customer Items Currency Total')
      expect(lines.slice(-2)).toEqual(['Generated 1 October 2021, 09:00 UTC', `Page ${i + 1} of 3`])
    }
    expect(pages[1]?.[0]).toBe('Orders 1 September 2021 to 30 September 2021 (UTC)')
  })

  it('has every order once, some fifty on a page', async () => {
    const { pages } = await readReport(await makeReport(1000))
    const ids = pages.flat().flatMap((line) => /\bA-\d{6}\b/.exec(line)?.[0] ?? [])
    expect(ids).toEqual(Array.from({ length: 1000 }, (_, i) => `A-${100_001 + i}`))
    expect(pages[5]?.filter((line) => line.includes('A-10'))).toHaveLength(50)
  })

  it('ends with exact totals by currency', async () => {
    const priced = (currency: string, quantity: number, unit_price: string) =>
      makeOrder(0, { currency, items: [{ sku: 'S', description: 'Thing', quantity, unit_price }] })
    const orders = [
      ...Array.from({ length: 10 }, () => priced('EUR', 3, '0.1')),
      priced('EUR', 7, '1234567890123456.7891'),
      priced('JPY', 12, '1500'),
      priced('KWD', 1, '0.0005'),
    ]
    const { pages } = await readReport(await makeReport(orders))
    const lines = pages.flat()
    expect(lines).toContain('Totals by currency')
    expect(lines).toContain('EUR Euro 11 8,641,975,230,864,200.5237')
    expect(lines).toContain('JPY Japanese Yen 1 18,000')
    expect(lines).toContain('KWD Kuwaiti Dinar 1 0.0005')
  })

  it('says so in words when there are no orders', async () => {
    const { pages } = await readReport(await makeReport([]))
    expect(pages).toEqual([
      [
        'Orders',
        '1 September 2021 to 30 September 2021 (UTC)',
        'No orders in this range',
        'Nothing was ordered from 1 September 2021 to 30 September 2021, both days included. Days are counted in UTC.',
        'Generated 1 October 2021, 09:00 UTC',
        'Page 1 of 1',
      ],
    ])
  })

  it('cuts what is too long for its column with an ellipsis, but never a total', async () => {
    const long = makeOrder(0, {
      order_id: `WEB-${'0123456789'.repeat(20)}`,
      customer: 'Donaudampfschifffahrtsgesellschaft '.repeat(200),
      items: [
        { sku: 'S', description: 'Thing '.repeat(40), quantity: 1, unit_price: '123456789012345678.1234' },
      ],
      currency: 'EUR',
    })
    const { pages } = await readReport(await makeReport([long]))
    const line = pages[0]?.find((text) => text.includes('WEB-'))
    expect(line).toMatch(
      / WEB-\d+… Donaudampfschifffahrtsgesel\w*… 1 × (Thing )+\w*… EUR 123,456,789,012,345,678\.1234$/,
    )
  })

  it('carries its title, language and maker, and shows its title', async () => {
    const { information, viewerPreferences } = await readReport(await makeReport([order]))
    expect(information).toMatchObject({
      Title: 'Orders, 1 September 2021 to 30 September 2021 (UTC)',
      Producer: 'Accepted',
      Language: 'en',
      CreationDate: 'D:20211001090000Z',
    })
    expect(viewerPreferences).toMatchObject({ DisplayDocTitle: true })
  })

  it('has a bookmark for each day', async () => {
    const at = (ordered_at: string) => ({ ...order, ordered_at })
    const days = ['2021-09-03T08:00:00Z', '2021-09-03T09:00:00Z', '2021-09-05T00:00:00Z'].map(at)
    const { bookmarks } = await readReport(await makeReport(days))
    expect(bookmarks).toEqual(['3 September 2021', '5 September 2021'])
  })

  it('has the same bytes for the same orders', async () => {
    const [one, other] = [await makeReport(300), await makeReport(300)]
    expect(one.equals(other)).toBe(true)
  })

  it('refuses an order whose time or amounts cannot be read, naming it', async () => {
    const noTime = makeReport([{ ...order, ordered_at: 'yesterday' }])
    await expect(noTime).rejects.toThrow(new RangeError('The time of order A-1 cannot be read'))
    const noPrice = makeReport([
      makeOrder(0, { order_id: 'A-2', items: [{ ...order.items[0]!, unit_price: '1e3' }] }),
    ])
    await expect(noPrice).rejects.toThrow(new RangeError('The amounts of order A-2 cannot be read'))
  })
})

describe('the text of a report', () => {
  it.each(Object.entries(namesByScript))('is found by its letters: %s', async (_script, customer) => {
    const { pages } = await readReport(await makeReport([{ ...order, customer }]))
    expect(withoutJoiners(pages.flat().join('\n'))).toContain(withoutJoiners(customer))
  })

  it('is normalised, so that one name is found however it was typed', async () => {
    const { pages } = await readReport(await makeReport([{ ...order, customer: 'Zoe\u0308 Mu\u0308ller' }]))
    expect(pages.flat().join('\n')).toContain('Zo\u00eb M\u00fcller')
  })

  it('survives what is no text', async () => {
    const hostile = [
      'nul\u0000 bell\u0007 esc\u001b[31m',
      'half \ud800 pair',
      '\u{e000}\u{10ffff}',
      '\u202eedirrevo',
      '',
    ]
    const { pages } = await readReport(await makeReport(hostile.map((customer) => ({ ...order, customer }))))
    const text = pages.flat().join('\n')
    expect(text).toContain('nul\ufffd bell\ufffd esc\ufffd[31m')
    expect(text).toContain('half \ufffd pair')
    expect(text).toContain('edirrevo')
  })

  it('keeps counts beside right-to-left goods where they are', async () => {
    const items = [{ sku: 'S', description: 'مصباح', quantity: 2, unit_price: '9.50' }]
    const { pages } = await readReport(await makeReport([{ ...order, items }]))
    expect(pages.flat().join('\n')).toContain('2 × مصباح EUR 19.00')
  })

  it('brings only the fonts that it needs, and of them only the glyphs', async () => {
    const latin = await makeReport([order])
    expect(fontsOf(latin)).toEqual(['NotoSans-SemiBold', 'NotoSans-Regular'])
    expect(latin.length).toBeLessThan(20_000)
    const chinese = await makeReport([{ ...order, customer: '王小明' }])
    expect(fontsOf(chinese).filter((name) => name.startsWith('NotoSansSC')).length).toBeGreaterThan(0)
    expect(chinese.length).toBeLessThan(30_000)
  })
})

/** Readers may leave out what joins letters: it is invisible. */
function withoutJoiners(text: string): string {
  return text.replaceAll('\u{200d}', '')
}
