import { expect, it } from 'vitest'
import { countInWords, currencyInWords, momentInWords, rangeInWords } from './wording.ts'

it('says a range with both its days included', () => {
  expect(rangeInWords('2021-09-01', '2021-10-01')).toBe('1 September 2021 to 30 September 2021 (UTC)')
  expect(rangeInWords('2021-12-31', '2022-01-02')).toBe('31 December 2021 to 1 January 2022 (UTC)')
})

it('says a range of one day as that day', () => {
  expect(rangeInWords('2024-02-29', '2024-03-01')).toBe('29 February 2024 (UTC)')
})

it('refuses a range that is not two dates', () => {
  expect(() => rangeInWords('soon', '2021-10-01')).toThrow(RangeError)
})

it('says moments in UTC', () => {
  expect(momentInWords(new Date('2021-10-01T00:30:00+02:00'))).toBe('30 September 2021, 22:30 UTC')
})

it('counts in singular and plural', () => {
  expect(countInWords(1, 'order')).toBe('1 order')
  expect(countInWords(50_000, 'order')).toBe('50,000 orders')
})

it('names currencies that have a name', () => {
  expect(currencyInWords('EUR')).toBe('Euro')
  expect(currencyInWords('QQQ')).toBe('')
  expect(currencyInWords('not a code')).toBe('')
})
