/** More than any cell can show; longer text is cut here so that its length cannot cost time. */
const longestCell = 240

/** Most text there is: words of plain Latin letters (all composed) with single spaces between them. */
const plain = /^[\x21-\x7e\xa1-\xac\xae-\u017f]+(?: [\x21-\x7e\xa1-\xac\xae-\u017f]+)*$/
/** Embeddings and overrides of direction: with them a name could be shown as another than it is. */
const directionOverrides = /[\u202a-\u202e]/g
/** Nobody's name stacks so many accents on a letter; such text would climb over its neighbours. */
const towers = /([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})\p{M}+|(\p{M}{8})\p{M}+/gu

/**
 * Text as a line of type can take it: composed (NFC), on one line, no longer than a cell could ever show. What
 * cannot be shown (control characters, halves of surrogate pairs) becomes U+FFFD, so that a reader sees it was there.
 */
export function cleanText(text: string): string {
  if (text.length <= longestCell && plain.test(text)) return text
  const cleaned = text
    .slice(0, longestCell * 4)
    .toWellFormed()
    .normalize('NFC')
    .replace(directionOverrides, '')
    .replace(/[\s\p{Z}]+/gu, ' ')
    .replace(/\p{Cc}/gu, '\u{fffd}')
    .replace(towers, '$1$2')
    .trim()
  const isCut = cleaned.length > longestCell || text.length > longestCell * 4
  return isCut ? `${cleaned.slice(0, longestCell).replace(/[\ud800-\udbff]$/, '')}…` : cleaned
}
