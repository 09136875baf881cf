import { describe, expect, it } from 'vitest'
import { type Glyph, joinStrayMarks, shareOut } from './read-back.ts'

const glyph = (id: number, advance: number, given: Partial<Glyph> = {}): Glyph => {
  return { id, advance, width: advance, dx: 0, dy: 0, ...given }
}
const texts = (slots: readonly { id: number | undefined; text: string }[]) =>
  slots.map(({ id, text }) => [id, text])

describe('the text of a group of glyphs', () => {
  it('belongs to the one glyph that there is', () => {
    expect(texts(shareOut({ text: 'ffi', glyphs: [glyph(1, 800)] }, false))).toEqual([[1, 'ffi']])
  })

  it('is spelled in reading order, also where a vowel sign is drawn first', () => {
    const glyphs = [glyph(1, 300), glyph(2, 600)]
    expect(texts(shareOut({ text: 'कि', glyphs }, false))).toEqual([
      [1, 'क'],
      [2, 'ि'],
    ])
  })

  it('leaves out dots that shaping took off a letter', () => {
    const glyphs = [glyph(1, 300), glyph(2, 0)]
    expect(texts(shareOut({ text: 'ị', glyphs }, false))).toEqual([
      [1, 'ị'],
      [2, ''],
    ])
  })

  it('is drawn from right to left, a slot for each letter of a ligature', () => {
    const slots = shareOut({ text: 'لا', glyphs: [glyph(1, 601)] }, true)
    expect(texts(slots)).toEqual([
      [1, 'ا'],
      [undefined, 'ل'],
    ])
    expect(slots.map(({ width }) => width)).toEqual([300, 301])
  })

  it('takes as much room as its glyphs, wherever they stand', () => {
    const kerned = glyph(1, 560, { width: 600, dx: 12 })
    for (const text of ['श्र', 'ab', 'x']) {
      const slots = shareOut({ text, glyphs: [kerned, glyph(2, 200)] }, false)
      expect(slots.reduce((sum, { advance }) => sum + advance, 0)).toBe(760)
    }
  })

  it('leaves no room without text, which would read as a space', () => {
    const glyphs = [glyph(1, 400), glyph(2, 500), glyph(3, 100)]
    const [first] = shareOut({ text: 'മ', glyphs }, false)
    expect(first?.width).toBe(1000)
  })
})

it('an accent that stands far from the pen is read with its letter', () => {
  const letter = { text: 'ན', glyphs: [glyph(1, 600)] }
  const accent = { text: 'ི', glyphs: [glyph(2, 0, { dx: -600 })] }
  expect(joinStrayMarks([letter, accent], false)).toEqual([
    { text: 'ནི', glyphs: [...letter.glyphs, ...accent.glyphs] },
  ])
  const near = { text: 'ི', glyphs: [glyph(2, 0)] }
  expect(joinStrayMarks([letter, near], false)).toEqual([letter, near])
})
