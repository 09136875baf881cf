const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const ascii = /^[\x20-\x7e]*$/
const mark = /\p{M}/u
const space = 0x20

/** The clusters of characters that a reader takes for one, as a letter with its accents. */
export function clustersOf(text: string): string[] {
  if (ascii.test(text)) return text.split('')
  return Array.from(graphemes.segment(text), (cluster) => cluster.segment)
}

/**
 * The parts of a text that are shaped each by itself: words with the space that follows them, and single figures. A
 * figure keeps its width whatever stands beside it, so that numbers line up under each other.
 */
export function tokensOf(text: string): string[] {
  const tokens: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (isFigure(text, i)) {
      if (i > start) tokens.push(text.slice(start, i))
      tokens.push(text.charAt(i))
      start = i + 1
    } else if (text.charCodeAt(i) === space) {
      tokens.push(text.slice(start, i + 1))
      start = i + 1
    }
  }
  if (start < text.length) tokens.push(text.slice(start))
  return tokens
}

/** From 0 to 9, unless it is only the base of something else, as of the emoji 1️⃣. */
function isFigure(text: string, i: number): boolean {
  const code = text.charCodeAt(i)
  if (code < 0x30 || code > 0x39) return false
  return !(text.charCodeAt(i + 1) > 0x7f) || !mark.test(text.charAt(i + 1))
}
