import bidiFactory, { type Bidi } from 'bidi-js'

// The package is CommonJS and its types say an ES module's default, hence the cast.
const bidi = (bidiFactory as unknown as () => Bidi)()

/** Letters of right-to-left scripts, and the characters that change direction by themselves. */
const rightToLeft =
  /[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

export interface DirectedText {
  readonly text: string
  readonly rightToLeft: boolean
}

export function hasRightToLeft(text: string): boolean {
  return rightToLeft.test(text)
}

/**
 * The text in pieces of one direction each, in the order in which they stand on the line from left to right (the
 * Unicode Bidirectional Algorithm, UAX #9). Each piece itself is in reading order.
 */
export function visualOrder(text: string): DirectedText[] {
  if (!hasRightToLeft(text)) return [{ text, rightToLeft: false }]
  const { levels } = bidi.getEmbeddingLevels(asBasicPlane(text))
  const pieces: { text: string; level: number }[] = []
  for (let i = 0; i < text.length; i++) {
    const last = pieces.at(-1)
    if (last && last.level === levels[i]) last.text += text[i]
    else pieces.push({ text: text[i]!, level: levels[i]! })
  }
  reorder(pieces)
  return pieces.map((piece) => ({ text: piece.text, rightToLeft: piece.level % 2 === 1 }))
}

/** Rule L2: from the highest level down to the lowest odd one, turn round every sequence at that level or above. */
function reorder(pieces: { level: number }[]): void {
  const highest = Math.max(...pieces.map((piece) => piece.level))
  for (let level = highest; level > 0; level--) {
    for (let start = 0; start < pieces.length; start++) {
      let end = start
      while (end < pieces.length && pieces[end]!.level >= level) end++
      if (end - start > 1) pieces.splice(start, end - start, ...pieces.slice(start, end).reverse())
      start = end
    }
  }
}

/** bidi-js looks at UTF-16 units, so a character of two units is shown to it as two of the same direction. */
function asBasicPlane(text: string): string {
  return text.replace(/[\u{10000}-\u{10ffff}]/gu, (character) => {
    if (rightToLeft.test(character)) return 'אא'
    return /\p{L}/u.test(character) ? 'aa' : '☺☺'
  })
}
