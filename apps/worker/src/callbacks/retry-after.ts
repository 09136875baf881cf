/** A receiver is obeyed so far and no further. */
const MOST_MS = 3_600_000

/** The three forms of a date in HTTP (RFC 9110, 5.6.7): the one in use, and the two that recipients must know. */
const HTTP_DATES = [
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
]

/**
 * How long a receiver asks to be left alone: `Retry-After` in seconds, or until a date.
 *
 * @returns 0 to an hour; undefined if the field says nothing, or nothing that can be read
 */
export function retryAfterMs(field: string | string[] | undefined, nowMs: number): number | undefined {
  if (typeof field !== 'string') return undefined
  const text = field.trim()
  const ms = /^-?\d+$/.test(text) ? Number(text) * 1_000 : dateMs(text) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MOST_MS)
}

/** NaN if it is no date. */
function dateMs(text: string): number {
  if (!HTTP_DATES.some((form) => form.test(text))) return Number.NaN
  // The last form names no zone; it is always GMT.
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
}
