import { describe, expect, it } from 'vitest'
import { add, formatMoney, orderTotal, parseDecimal } from './money.ts'

const item = (quantity: number, unit_price: string) => ({ quantity, unit_price })

describe('an order total', () => {
  it('is exact where floats are not', () => {
    expect(formatMoney(orderTotal([item(3, '0.1')]), 'EUR')).toBe('0.30')
    expect(formatMoney(orderTotal([item(1, '0.1'), item(1, '0.2')]), 'EUR')).toBe('0.30')
    expect(formatMoney(orderTotal([item(9, '9007199254740993.01')]), 'EUR')).toBe('81,064,793,292,668,937.09')
  })

  it('keeps every decimal of the unit prices', () => {
    expect(formatMoney(orderTotal([item(3, '0.123456'), item(2, '1.5')]), 'EUR')).toBe('3.370368')
  })

  it('takes parts of a unit', () => {
    expect(formatMoney(orderTotal([item(1.25, '4')]), 'EUR')).toBe('5.00')
  })

  it('refuses what is no plain decimal', () => {
    for (const text of ['', '1e3', '1,5', ' 1', '.5', '0x10', 'NaN', '--1']) {
      expect(() => parseDecimal(text)).toThrow(RangeError)
    }
  })
})

describe('an amount', () => {
  it('has as many decimals as its currency by custom, or more where it has more', () => {
    expect(formatMoney(parseDecimal('9.5000'), 'EUR')).toBe('9.50')
    expect(formatMoney(parseDecimal('9.5001'), 'EUR')).toBe('9.5001')
    expect(formatMoney(parseDecimal('1500.00'), 'JPY')).toBe('1,500')
    expect(formatMoney(parseDecimal('1.5'), 'KWD')).toBe('1.500')
    expect(formatMoney(parseDecimal('1.5'), '?!')).toBe('1.50')
  })

  it('may be negative or nothing', () => {
    expect(formatMoney(parseDecimal('-1234.5'), 'EUR')).toBe('−1,234.50')
    expect(formatMoney(parseDecimal('-0.05'), 'EUR')).toBe('−0.05')
    expect(formatMoney(orderTotal([]), 'EUR')).toBe('0.00')
  })

  it('adds up whatever the decimals', () => {
    expect(add(parseDecimal('1.5'), parseDecimal('0.25'))).toEqual({ digits: 175n, scale: 2 })
  })
})
