import { baseFile, emojiFile, type FontFile, filesFor, strongFile } from './catalogue.ts'
import { CodePointMap } from './code-point-map.ts'
import { type Face, loadFace } from './face.ts'

/** Characters that show nothing themselves; a font need not have them. */
const invisible = /\p{Default_Ignorable_Code_Point}/u
const kana = /[\p{sc=Hira}\p{sc=Kana}]/u
/** Characters of no script of their own, outside ASCII: they look best in the font of what stands before them. */
const shared = /^[\p{sc=Zyyy}\p{sc=Zinh}]+$/u
const ascii = /^[\x20-\x7e]*$/
const emojiSelector = '\u{fe0f}'

/** Whether the text is Japanese for sure: it has kana, so its Han characters take their Japanese shapes. */
export function isJapanese(text: string): boolean {
  return kana.test(text)
}

/**
 * Which font draws which character. A font file is read only when the first character needs it; from then on the
 * answer is at hand without waiting. One library serves the whole process: what it holds is bounded by the fonts
 * that are installed.
 */
export class FontLibrary {
  readonly base: Face
  readonly strong: Face
  readonly #faces = new Map<string, Promise<Face>>()
  readonly #chinese = new CodePointMap<Face>()
  readonly #japanese = new CodePointMap<Face>()
  #emoji: Face | undefined

  private constructor(base: Face, strong: Face) {
    this.base = base
    this.strong = strong
    for (const codePoint of base.font.face.collectUnicodes()) {
      this.#chinese.set(codePoint, base)
      this.#japanese.set(codePoint, base)
    }
  }

  static #shared: Promise<FontLibrary> | undefined

  static open(): Promise<FontLibrary> {
    FontLibrary.#shared ??= Promise.all([loadFace(baseFile), loadFace(strongFile)]).then(
      ([base, strong]) => new FontLibrary(base, strong),
    )
    return FontLibrary.#shared
  }

  /** Loads what the text needs; undefined when nothing is missing, so that the common case does not wait. */
  prepare(text: string): Promise<void> | undefined {
    if (ascii.test(text)) return undefined
    const inJapanese = isJapanese(text)
    const known = inJapanese ? this.#japanese : this.#chinese
    const unknown = new Set<number>()
    for (const character of text) {
      const codePoint = character.codePointAt(0)!
      if (!known.has(codePoint) && !invisible.test(character)) unknown.add(codePoint)
    }
    const wantsEmoji = !this.#emoji && text.includes(emojiSelector)
    return unknown.size > 0 || wantsEmoji ? this.#load(unknown, inJapanese, wantsEmoji) : undefined
  }

  /** The font for a cluster of characters that are drawn as one, which follows text in `before`; undefined if none. */
  faceForCluster(cluster: string, before: Face | undefined, inJapanese: boolean): Face | undefined {
    const visible = visibleOf(cluster)
    if (visible.length === 0) return before ?? this.base
    if (cluster.includes(emojiSelector) && coversAll(this.#emoji, visible)) return this.#emoji
    const isShared = before !== this.#emoji && shared.test(cluster) && !ascii.test(cluster)
    if (isShared && coversAll(before, visible)) return before
    const candidates = this.#candidates(visible, inJapanese)
    return candidates.find((face) => coversAll(face, visible)) ?? candidates[0]
  }

  /** The font for a whole word, if there is one: letters that join must come from the same font. */
  faceForWord(word: string, inJapanese: boolean): Face | undefined {
    if (word.includes(emojiSelector)) return undefined
    const visible = visibleOf(word)
    const candidates = this.#candidates(visible, inJapanese)
    return candidates.find((face) => face !== this.#emoji && coversAll(face, visible))
  }

  /** Whether the base font alone draws the text, one glyph or more for each character. */
  isBase(text: string): boolean {
    for (const character of text) if (this.#chinese.get(character.codePointAt(0)!) !== this.base) return false
    return true
  }

  #candidates(codePoints: readonly number[], inJapanese: boolean): (Face | undefined)[] {
    const known = inJapanese ? this.#japanese : this.#chinese
    return [...new Set(codePoints.map((codePoint) => known.get(codePoint)))]
  }

  async #load(unknown: Set<number>, inJapanese: boolean, wantsEmoji: boolean): Promise<void> {
    if (wantsEmoji) this.#emoji = await this.#face(emojiFile)
    const known = inJapanese ? this.#japanese : this.#chinese
    for (const codePoint of unknown) known.set(codePoint, await this.#find(codePoint, inJapanese))
  }

  async #find(codePoint: number, inJapanese: boolean): Promise<Face | undefined> {
    for await (const file of filesFor(codePoint, inJapanese)) {
      const face = await this.#face(file)
      if (file === emojiFile) this.#emoji = face
      if (face.covers(codePoint)) return face
    }
    return undefined
  }

  #face(file: FontFile): Promise<Face> {
    let face = this.#faces.get(file.path)
    if (!face) {
      face = loadFace(file)
      this.#faces.set(file.path, face)
      face.catch(() => this.#faces.delete(file.path))
    }
    return face
  }
}

function visibleOf(text: string): number[] {
  return [...text].filter((character) => !invisible.test(character)).map((c) => c.codePointAt(0)!)
}

function coversAll(face: Face | undefined, codePoints: readonly number[]): boolean {
  return face !== undefined && codePoints.every((codePoint) => face.covers(codePoint))
}
