/** The measures of the report, in points of 1/72 inch; y runs upwards from the foot of the page, as in PDF. */

/** A4 */
export const pageWidth = 595.28
export const pageHeight = 841.89

export const left = 40
export const right = pageWidth - left
/** Where the content of a page begins, below the running head. */
export const top = pageHeight - 56
/** Where it ends, above the page number. */
export const bottom = 46

export const headBaseline = pageHeight - 38
export const footBaseline = 27

/** From one row to the next; gives 50 rows to a full page. */
export const rowHeight = 14.35
export const headerHeight = 18
export const thinRule = 0.35
export const firmRule = 0.8

/** Distance from a row's top to the baseline that centres capitals of `size` in it. */
export function baselineIn(height: number, size: number): number {
  const capHeight = 0.714 * size
  return (height + capHeight) / 2
}

export const size = {
  title: 24,
  subtitle: 11,
  heading: 13,
  lead: 9.5,
  body: 7.6,
  label: 6.8,
  small: 7,
} as const

/** Red, green and blue, each from 0 to 1. */
export const colour = {
  ink: '0.11 0.13 0.16',
  muted: '0.42 0.45 0.5',
  line: '0.87 0.88 0.9',
  accent: '0.05 0.36 0.42',
} as const

export type Colour = (typeof colour)[keyof typeof colour]
