import { RecentCache } from '../cache.ts'
import { type Face, unitsPerEm } from '../fonts/face.ts'
import { type FontLibrary, isJapanese } from '../fonts/library.ts'
import { hasRightToLeft, visualOrder } from './direction.ts'
import type { FontUses } from './font-use.ts'
import { type Line, LineBuilder, type Word } from './line-builder.ts'
import { type Run, shapePlainRun, shapeRun, standInRun } from './run.ts'
import { clustersOf, tokenEnd, tokensOf } from './tokens.ts'

interface Stretch {
  readonly face: Face | undefined
  text: string
}

export interface Style {
  /** In points. */
  readonly size: number
  readonly strong?: boolean
}

const wordsRemembered = 3000
const ascii = /^[\x20-\x7e]*$/
const plain = /^[\p{L}\p{N}\p{P}\p{S} ]*$/u
/** Looks wrong before an ellipsis. */
const dangling = /[\s.,;:]+$/
const ellipsis = '…'
const replacement = '\u{fffd}'

/**
 * Sets lines in one style. Its fonts must have been prepared for the text by the library. Words are what is
 * remembered: they repeat (names, goods, dates) where whole cells do not.
 */
export class Setter {
  readonly #library: FontLibrary
  readonly #uses: FontUses
  readonly #style: Style
  /** By direction and whether Japanese, then by text: plain keys are cheap to look up. */
  readonly #words = Array.from({ length: 4 }, () => new RecentCache<string, Word>(wordsRemembered))

  constructor(library: FontLibrary, uses: FontUses, style: Style) {
    this.#library = library
    this.#uses = uses
    this.#style = style
  }

  line(text: string): Line {
    const inJapanese = isJapanese(text)
    const builder = new LineBuilder(this.#style.size)
    if (!hasRightToLeft(text)) {
      for (let start = 0; start < text.length; ) {
        const end = tokenEnd(text, start)
        builder.add(this.#word(text.slice(start, end), false, inJapanese))
        start = end
      }
      return builder.line()
    }
    for (const piece of visualOrder(text)) {
      const tokens = tokensOf(piece.text)
      if (piece.rightToLeft) tokens.reverse()
      for (const token of tokens) builder.add(this.#word(token, piece.rightToLeft, inJapanese))
    }
    return builder.line()
  }

  /** The line, cut with an ellipsis where it would be wider than `width` points. */
  fit(text: string, width: number): Line {
    const whole = this.line(text)
    if (whole.width <= width) return whole
    let kept = this.#longestStart(text, (width * unitsPerEm) / this.#style.size)
    for (;;) {
      const line = this.line(kept.replace(dangling, '') + ellipsis)
      // One word's width may depend on the next, so the start that was found can be a hair too long.
      if (line.width <= width || kept === '') return line
      kept = clustersOf(kept).slice(0, -1).join('')
    }
  }

  /** As much of the text's start as fits into `room`, in thousandths of the size, with an ellipsis after it. */
  #longestStart(text: string, room: number): string {
    const inJapanese = isJapanese(text)
    const widthOf = (token: string) => this.#word(token, hasRightToLeft(token), inJapanese).width
    const tokens = tokensOf(text)
    const starts: number[] = []
    let used = 0
    for (const token of tokens) {
      starts.push(used)
      used += widthOf(token)
      if (used > room) break
    }
    for (let i = starts.length - 1; i >= 0; i--) {
      const clusters = clustersOf(tokens[i]!)
      const fits = (count: number) =>
        starts[i]! + widthOf(clusters.slice(0, count).join('') + ellipsis) <= room
      if (!fits(0)) continue
      let most = 0
      for (let tooMany = clusters.length; tooMany - most > 1; ) {
        const middle = (most + tooMany) >> 1
        if (fits(middle)) most = middle
        else tooMany = middle
      }
      return tokens.slice(0, i).join('') + clusters.slice(0, most).join('')
    }
    return ''
  }

  #word(text: string, rightToLeft: boolean, inJapanese: boolean): Word {
    const words = this.#words[(rightToLeft ? 1 : 0) + (inJapanese ? 2 : 0)]!
    let word = words.get(text)
    if (!word) {
      const runs = this.#runs(text, rightToLeft, inJapanese)
      word = { runs, width: runs.reduce((sum, run) => sum + run.width, 0) }
      words.set(text, word)
    }
    return word
  }

  #runs(text: string, rightToLeft: boolean, inJapanese: boolean): Run[] {
    const { size } = this.#style
    const base = this.#uses.of(this.#weighted(this.#library.base))
    if (!rightToLeft && (ascii.test(text) || (plain.test(text) && this.#library.isBase(text)))) {
      return [shapePlainRun(base, text, size)]
    }
    const stretches = this.#stretches(text, inJapanese)
    if (rightToLeft) stretches.reverse()
    return stretches.map(({ face, text }) => {
      if (!face) return standInRun(base, text, this.#standIn(text), size)
      return shapeRun(this.#uses.of(this.#weighted(face)), text, rightToLeft, size)
    })
  }

  /** A word in parts of one font each, in reading order; what no font has stands by itself. */
  #stretches(text: string, inJapanese: boolean): Stretch[] {
    const word = text.trimEnd()
    const stretches: Stretch[] = []
    for (const whole of [text, word]) {
      const face = this.#library.faceForWord(whole, inJapanese)
      if (!face) continue
      stretches.push({ face, text: whole })
      break
    }
    const done = stretches[0]?.text.length ?? 0
    for (const cluster of clustersOf(text.slice(done))) {
      const last = stretches.at(-1)
      const face = this.#library.faceForCluster(cluster, last?.face, inJapanese)
      if (face && last?.face === face) last.text += cluster
      else stretches.push({ face, text: cluster })
    }
    return stretches
  }

  /** The plain form of a letter (as `R` for `ℝ`) where the base font has it, else U+FFFD. */
  #standIn(text: string): string {
    const plain = text.normalize('NFKC')
    return plain && this.#library.isBase(plain) ? plain : replacement
  }

  #weighted(face: Face): Face {
    return this.#style.strong && face === this.#library.base ? this.#library.strong : face
  }
}
