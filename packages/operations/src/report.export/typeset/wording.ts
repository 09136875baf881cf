const longDate = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })
const numbers = new Intl.NumberFormat('en')
const currencies = new Intl.DisplayNames('en', { type: 'currency', fallback: 'none' })

const dayMs = 86_400_000

/** `1 September 2021` */
export function dayInWords(date: Date | number): string {
  return longDate.format(date)
}

/** The range as a reader means it, both days included: `1 September 2021 to 30 September 2021 (UTC)`. */
export function rangeInWords(startDate: string, endDateExclusive: string): string {
  const first = Date.parse(startDate)
  const last = Date.parse(endDateExclusive) - dayMs
  if (Number.isNaN(first) || Number.isNaN(last))
    throw new RangeError('The range of the report is not two dates')
  if (last <= first) return `${dayInWords(first)} (UTC)`
  return `${dayInWords(first)} to ${dayInWords(last)} (UTC)`
}

/** `1 October 2021, 09:00 UTC` */
export function momentInWords(date: Date): string {
  return `${dayInWords(date)}, ${date.toISOString().slice(11, 16)} UTC`
}

/** `50,000` */
export function numberInWords(count: number): string {
  return numbers.format(count)
}

/** `1 order`, `50,000 orders` */
export function countInWords(count: number, singular: string, plural = `${singular}s`): string {
  return `${numberInWords(count)} ${count === 1 ? singular : plural}`
}

/** `Euro` for `EUR`; an empty string for a code that has no name. */
export function currencyInWords(currency: string): string {
  return /^[A-Za-z]{3}$/.test(currency) ? (currencies.of(currency) ?? '') : ''
}
