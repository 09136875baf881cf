import { readFile } from 'node:fs/promises'
import { Blob, Font, Face as HarfBuzzFace, Variation } from 'harfbuzzjs'
import type { FontFile } from './catalogue.ts'
import { inRanges } from './ranges.ts'

/** Lengths are in thousandths of the font size, the unit that PDF uses too. */
export const unitsPerEm = 1000

/** The weight that a variable font is set in; the static ones are of this weight already. */
export const regularWeight = 400

/** A font, loaded and ready to shape text. Loaded once in a process and shared by all its reports. */
export interface Face {
  readonly file: FontFile
  readonly font: Font
  /** Whether the file holds many weights, so that one must be chosen when it is embedded. */
  readonly variable: boolean
  covers(codePoint: number): boolean
}

export async function loadFace(file: FontFile): Promise<Face> {
  const harfBuzzFace = new HarfBuzzFace(new Blob(await readSfnt(file)))
  const font = new Font(harfBuzzFace)
  const variable = 'wght' in harfBuzzFace.getAxisInfos()
  font.setScale(unitsPerEm, unitsPerEm)
  if (variable) font.setVariations([new Variation('wght', regularWeight)])
  const { ranges } = file
  const covers = (codePoint: number) =>
    (!ranges || inRanges(ranges, codePoint)) && Boolean(font.nominalGlyph(codePoint))
  return { file, font, variable, covers }
}

/** The file as TrueType. Not kept: a font is read a second time when it is embedded, which halves what it holds. */
export async function readSfnt(file: FontFile): Promise<Uint8Array> {
  const bytes = await readFile(file.path)
  if (!file.path.endsWith('.woff2')) return bytes
  const { default: decompress } = await import('woff2-encoder/decompress')
  return decompress(bytes)
}
