import { readSfnt } from '../fonts/face.ts'
import { SfntTables } from '../fonts/sfnt.ts'
import { subsetFont } from '../fonts/subset.ts'
import type { FontUse } from '../text/font-use.ts'
import { number, type Ref, reference, utf16Hex } from './syntax.ts'
import type { PdfWriter } from './writer.ts'

const symbolic = 4
const capHeight = 714
const perBlock = 100 // the most entries that a block of a CMap may have

/** Writes the font's used glyphs into the file, with their widths and the text that they stand for. */
export async function embedFont(pdf: PdfWriter, ref: Ref, use: FontUse): Promise<void> {
  const { face, codes } = use
  const used = codes.flatMap(([, { id }]) => id ?? [])
  const subset = await subsetFont(await readSfnt(face.file), used, face.variable)
  const tables = new SfntTables(subset)
  const name = `${subsetTag(use)}+${face.file.name}`
  const { ascender, descender } = face.font.hExtents()
  const descendant = pdf.reserve()
  const descriptor = pdf.reserve()
  const file = pdf.reserve()
  const glyphs = pdf.reserve()
  const toUnicode = pdf.reserve()
  pdf.object(
    ref,
    `<</Type/Font/Subtype/Type0/BaseFont/${name}/Encoding/Identity-H` +
      `/DescendantFonts[${reference(descendant)}]/ToUnicode ${reference(toUnicode)}>>`,
  )
  pdf.object(
    descendant,
    `<</Type/Font/Subtype/CIDFontType2/BaseFont/${name}/CIDToGIDMap ${reference(glyphs)}` +
      '/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>' +
      `/FontDescriptor ${reference(descriptor)}/DW 0/W[${widths(codes)}]>>`,
  )
  pdf.object(
    descriptor,
    `<</Type/FontDescriptor/FontName/${name}/Flags ${symbolic}/FontBBox[${tables.boundingBox().join(' ')}]` +
      `/ItalicAngle 0/Ascent ${number(ascender)}/Descent ${number(descender)}/CapHeight ${capHeight}/StemV 80` +
      `/FontFile2 ${reference(file)}>>`,
  )
  await pdf.stream(file, `/Length1 ${subset.length}`, subset)
  await pdf.stream(glyphs, '', glyphMap(codes, tables.emptyGlyph()))
  await pdf.stream(toUnicode, '', toUnicodeMap(codes))
}

/** `1[572 600]8203[310]`: codes that follow each other share a list. */
function widths(codes: Codes): string {
  let list = ''
  let before = Number.NaN
  for (const [number, { width }] of codes) {
    list += number === before + 1 ? ' ' : `${list && ']'}${number}[`
    list += width
    before = number
  }
  return list && `${list}]`
}

/** Six letters, different for every font of the file, as PDF wants before the name of a subset. */
function subsetTag(use: FontUse): string {
  const digits = use.resource.slice(1).padStart(6, '0')
  return Array.from(digits, (digit) => 'ABCDEFGHIJ'[Number(digit)]).join('')
}

type Codes = FontUse['codes']

/** From codes to glyph ids, two bytes each. */
function glyphMap(codes: Codes, emptyGlyph: number): Uint8Array {
  const last = codes.at(-1)?.[0] ?? 0
  const map = Buffer.alloc(2 * (last + 1))
  for (const [number, { id = emptyGlyph }] of codes) map.writeUInt16BE(id, 2 * number)
  return map
}

function toUnicodeMap(codes: Codes): string {
  const entries = codes.flatMap(([number, { text }]) =>
    text ? `<${number.toString(16).padStart(4, '0')}><${utf16Hex(text)}>` : [],
  )
  const blocks: string[] = []
  for (let i = 0; i < entries.length; i += perBlock) {
    const block = entries.slice(i, i + perBlock)
    blocks.push(`${block.length} beginbfchar\n${block.join('\n')}\nendbfchar\n`)
  }
  return (
    '/CIDInit/ProcSet findresource begin 12 dict begin begincmap\n' +
    '/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n' +
    '/CMapName/Adobe-Identity-UCS def/CMapType 2 def\n' +
    '1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n' +
    `${blocks.join('')}endcmap CMapName currentdict/CMap defineresource pop end end\n`
  )
}
