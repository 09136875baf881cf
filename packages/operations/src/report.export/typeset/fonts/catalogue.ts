import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { inRanges, parseRanges } from './ranges.ts'

export interface FontFile {
  readonly path: string
  /** Its name in the PDF. */
  readonly name: string
  /** The characters that a slice is for (see ranges.ts); what else it may have is a stopgap. */
  readonly ranges?: Uint32Array
}

/** A family on disk: one whole file, or slices of which `unicode.json` tells the characters (as for web pages). */
type Family =
  | { readonly kind: 'whole'; readonly file: FontFile }
  | { readonly kind: 'sliced'; readonly packageName: string; readonly suffix: string }

const resolve = createRequire(import.meta.url).resolve

/** Latin, Greek and Cyrillic with all their marks, in one file, so that kerning and marks work across all three. */
export const baseFile = wholeFile('noto-sans/400Regular/NotoSans_400Regular.ttf')
/** The same in semi-bold, for headings. */
export const strongFile = wholeFile('noto-sans/600SemiBold/NotoSans_600SemiBold.ttf')
/** One file as well, because joined sequences (family, flags, professions) need all their parts in one font. */
export const emojiFile = wholeFile('noto-emoji/400Regular/NotoEmoji_400Regular.ttf')

/**
 * Who draws a script, by the script's ISO 15924 code. Arabic and Hebrew from whole files, which have the spaces and
 * hyphens too: a reader turns right-to-left text round font by font.
 */
const scripts: readonly (readonly [draws: RegExp, family: Family])[] = [
  // Has each letter with its dots in one glyph, so that a reader can search it; Noto has the letters it lacks.
  ['Arab', whole('vazirmatn/400Regular/Vazirmatn_400Regular.ttf')],
  ['Arab', variable('noto-sans-arabic')],
  ['Hebr', whole('noto-sans-hebrew/400Regular/NotoSansHebrew_400Regular.ttf')],
  ['Deva', variable('noto-sans-devanagari')],
  ['Beng', variable('noto-sans-bengali')],
  ['Guru', variable('noto-sans-gurmukhi')],
  ['Gujr', variable('noto-sans-gujarati')],
  ['Orya', variable('noto-sans-oriya')],
  ['Taml', variable('noto-sans-tamil')],
  ['Telu', variable('noto-sans-telugu')],
  ['Knda', variable('noto-sans-kannada')],
  ['Mlym', variable('noto-sans-malayalam')],
  ['Sinh', variable('noto-sans-sinhala')],
  ['Thai', variable('noto-sans-thai')],
  ['Laoo', variable('noto-sans-lao')],
  ['Khmr', variable('noto-sans-khmer')],
  ['Mymr', variable('noto-sans-myanmar')],
  ['Java', variable('noto-sans-javanese')],
  ['Tibt', variable('noto-serif-tibetan')],
  ['Geor', variable('noto-sans-georgian')],
  ['Armn', variable('noto-sans-armenian')],
  ['Ethi', variable('noto-sans-ethiopic')],
  ['Thaa', variable('noto-sans-thaana')],
  ['Syrc', variable('noto-sans-syriac')],
  ['Adlm', variable('noto-sans-adlam')],
  ['Cher', variable('noto-sans-cherokee')],
  ['Cans', variable('noto-sans-canadian-aboriginal')],
  ['Mong', single('noto-sans-mongolian')],
  ['Nkoo', single('noto-sans-nko')],
  ['Tfng', single('noto-sans-tifinagh')],
].map(([code, family]) => [new RegExp(`\\p{scx=${code}}`, 'u'), family as Family])

const simplified = variable('noto-sans-sc')
const traditional = variable('noto-sans-hk')
const japanese = variable('noto-sans-jp')
const korean = variable('noto-sans-kr')
const emoji: Family = { kind: 'whole', file: emojiFile }
const symbols = [variable('noto-sans-symbols'), single('noto-sans-symbols-2')]

const eastAsian = /[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}]/u
const shownAsEmoji = /\p{Emoji_Presentation}/u

/**
 * The files that may have a glyph for the character, best first. Where Chinese and Japanese write one character
 * differently, `inJapanese` says which shape is meant.
 */
export async function* filesFor(codePoint: number, inJapanese: boolean): AsyncGenerator<FontFile> {
  for (const family of new Set(familiesFor(String.fromCodePoint(codePoint), inJapanese))) {
    if (family.kind === 'whole') yield family.file
    else {
      const slice = (await slicesOf(family)).find(({ ranges }) => inRanges(ranges, codePoint))
      if (slice) yield slice
    }
  }
}

function* familiesFor(character: string, inJapanese: boolean): Generator<Family> {
  const east = inJapanese
    ? [japanese, simplified, traditional, korean]
    : [simplified, traditional, japanese, korean]
  if (shownAsEmoji.test(character)) yield emoji
  for (const [draws, family] of scripts) if (draws.test(character)) yield family
  if (eastAsian.test(character)) yield* east
  yield* symbols
  yield emoji
  yield* east
}

const slices = new Map<Family, Promise<Required<FontFile>[]>>()

function slicesOf(family: Family & { kind: 'sliced' }): Promise<Required<FontFile>[]> {
  let found = slices.get(family)
  if (!found) {
    found = readSlices(family)
    slices.set(family, found)
    found.catch(() => slices.delete(family))
  }
  return found
}

async function readSlices({
  packageName,
  suffix,
}: Family & { kind: 'sliced' }): Promise<Required<FontFile>[]> {
  const family = packageName.slice(packageName.indexOf('/') + 1)
  const byName: Record<string, string> = JSON.parse(
    await readFile(resolve(`${packageName}/unicode.json`), 'utf8'),
  )
  return Object.entries(byName).map(([key, ranges]) => {
    const slice = key.replace(/[[\]]/g, '')
    const path = resolve(`${packageName}/files/${family}-${slice}-${suffix}.woff2`)
    return { path, name: `${nameInPdf(family)}-${slice}`, ranges: parseRanges(ranges) }
  })
}

function variable(family: string): Family {
  return { kind: 'sliced', packageName: `@fontsource-variable/${family}`, suffix: 'wght-normal' }
}

function single(family: string): Family {
  return { kind: 'sliced', packageName: `@fontsource/${family}`, suffix: '400-normal' }
}

function whole(path: string): Family {
  return { kind: 'whole', file: wholeFile(path) }
}

function wholeFile(path: string): FontFile {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/_\d*(.*)\.ttf$/, '-$1')
  return { path: resolve(`@expo-google-fonts/${path}`), name }
}

/** `noto-sans-sc` as `NotoSansSC` */
function nameInPdf(family: string): string {
  return family
    .split('-')
    .map((part) =>
      /^(sc|hk|jp|kr)$/.test(part) ? part.toUpperCase() : part.replace(/^\w/, (c) => c.toUpperCase()),
    )
    .join('')
}
