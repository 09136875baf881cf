import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { regularWeight } from './face.ts'

// Neither TypeScript's es2024 nor Node's types declare it; they leave it to those of browsers.
declare const WebAssembly: {
  instantiate(bytes: Uint8Array): Promise<{ readonly instance: { readonly exports: unknown } }>
}

/** What we use of harfbuzz-subset.wasm; pointers are numbers, and so are tags. */
interface HarfBuzzSubset {
  readonly memory: { readonly buffer: ArrayBuffer }
  _initialize(): void
  malloc(bytes: number): number
  free(pointer: number): void
  hb_blob_create(data: number, bytes: number, mode: number, userData: number, destroy: number): number
  hb_blob_destroy(blob: number): void
  hb_blob_get_data(blob: number, length: number): number
  hb_blob_get_length(blob: number): number
  hb_face_create(blob: number, index: number): number
  hb_face_destroy(face: number): void
  hb_face_reference_blob(face: number): number
  hb_set_add(set: number, value: number): void
  hb_subset_input_create_or_fail(): number
  hb_subset_input_destroy(input: number): void
  hb_subset_input_glyph_set(input: number): number
  hb_subset_input_set(input: number, which: number): number
  hb_subset_input_set_flags(input: number, flags: number): void
  hb_subset_input_pin_axis_location(input: number, face: number, axis: number, value: number): number
  hb_subset_or_fail(face: number, input: number): number
}

const memoryIsOurs = 2 // HB_MEMORY_MODE_WRITABLE
const dropTables = 3 // HB_SUBSET_SETS_DROP_TABLE_TAG
const flags = 0x01 | 0x02 | 0x40 // no hinting, retain glyph ids, keep the outline of .notdef

/** A PDF positions glyphs itself and names them by number, so these tables would be ballast. */
const ballast = [
  'GSUB',
  'GPOS',
  'GDEF',
  'BASE',
  'STAT',
  'cmap',
  'name',
  'OS/2',
  'post',
  'vhea',
  'vmtx',
  'VORG',
  'meta',
]

let instance: Promise<HarfBuzzSubset> | undefined

/**
 * The font reduced to the glyphs given, which keep their ids; a variable font comes out in the regular weight only.
 * Takes some milliseconds for the fonts we use.
 */
export async function subsetFont(
  sfnt: Uint8Array,
  glyphIds: Iterable<number>,
  variable: boolean,
): Promise<Uint8Array> {
  instance ??= start()
  const hb = await instance
  const data = hb.malloc(sfnt.byteLength)
  new Uint8Array(hb.memory.buffer).set(sfnt, data)
  const blob = hb.hb_blob_create(data, sfnt.byteLength, memoryIsOurs, 0, 0)
  const face = hb.hb_face_create(blob, 0)
  const input = hb.hb_subset_input_create_or_fail()
  let subset = 0
  let result = 0
  try {
    hb.hb_subset_input_set_flags(input, flags)
    const drop = hb.hb_subset_input_set(input, dropTables)
    for (const table of ballast) hb.hb_set_add(drop, tag(table))
    const glyphs = hb.hb_subset_input_glyph_set(input)
    for (const id of glyphIds) hb.hb_set_add(glyphs, id)
    if (variable) hb.hb_subset_input_pin_axis_location(input, face, tag('wght'), regularWeight)
    subset = hb.hb_subset_or_fail(face, input)
    if (subset === 0) throw new Error('HarfBuzz could not make a subset of the font')
    result = hb.hb_face_reference_blob(subset)
    const start = hb.hb_blob_get_data(result, 0)
    return new Uint8Array(hb.memory.buffer).slice(start, start + hb.hb_blob_get_length(result))
  } finally {
    if (result) hb.hb_blob_destroy(result)
    if (subset) hb.hb_face_destroy(subset)
    hb.hb_subset_input_destroy(input)
    hb.hb_face_destroy(face)
    hb.hb_blob_destroy(blob)
    hb.free(data)
  }
}

async function start(): Promise<HarfBuzzSubset> {
  const path = createRequire(import.meta.url).resolve('harfbuzzjs/dist/harfbuzz-subset.wasm')
  const { instance } = await WebAssembly.instantiate(await readFile(path))
  const hb = instance.exports as HarfBuzzSubset
  hb._initialize()
  return hb
}

function tag(name: string): number {
  return Buffer.from(name, 'latin1').readUInt32BE()
}
