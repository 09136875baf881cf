const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const ascii = /^[\x20-\x7e]*$/
const mark = /\p{M}/u
const space = 0x20
/** Long numbers are shaped in parts, of which there are a thousand at most: they are remembered, numbers are not. */
const figuresInToken = 3

/** The clusters of characters that a reader takes for one, as a letter with its accents. */
export function clustersOf(text: string): string[] {
  if (ascii.test(text)) return text.split('')
  return Array.from(graphemes.segment(text), (cluster) => cluster.segment)
}

/** The parts of a text that are shaped each by itself: words with the space that follows them, and figures. */
export function tokensOf(text: string): string[] {
  const tokens: string[] = []
  for (let start = 0; start < text.length; ) {
    const end = tokenEnd(text, start)
    tokens.push(text.slice(start, end))
    start = end
  }
  return tokens
}

/** Where the token ends that starts at `start`. */
export function tokenEnd(text: string, start: number): number {
  let end = start
  if (isFigure(text, start)) {
    while (end - start < figuresInToken && isFigure(text, end)) end++
    return end
  }
  while (end < text.length && !isFigure(text, end)) {
    if (text.charCodeAt(end++) === space) break
  }
  return end
}

/** From 0 to 9, unless it is only the base of something else, as of the emoji 1️⃣. */
function isFigure(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  if (!(code >= 0x30 && code <= 0x39)) return false
  return !(text.charCodeAt(at + 1) > 0x7f) || !mark.test(text.charAt(at + 1))
}
