import { expect, it } from 'vitest'
import { FontLibrary } from '../fonts/library.ts'
import { FontUses } from './font-use.ts'

const { base, strong } = await FontLibrary.open()
const letter = { id: 36, width: 600, text: 'A' }

it('a glyph has another code where it stands for other text', () => {
  const use = new FontUses().of(base)
  expect([letter, { ...letter, text: 'Α' }, letter].map((code) => use.codeFor(code))).toEqual([1, 2, 1])
})

it('a glyph without text has a code that readers take for nothing', () => {
  const use = new FontUses().of(base)
  const numbers = Array.from({ length: 20 }, (_, id) => use.codeFor({ id, width: 0, text: '' }))
  expect(String.fromCodePoint(...numbers)).toMatch(/^\p{Cf}{20}$/u)
})

it('fonts are named in the order of their use, anew for each report', () => {
  for (const faces of [
    [base, strong],
    [strong, base],
  ]) {
    const uses = new FontUses()
    expect(faces.map((face) => uses.of(face).resource)).toEqual(['F1', 'F2'])
  }
})

it('glyphs are drawn even when there are no codes left', () => {
  const use = new FontUses().of(base)
  use.codeFor(letter)
  const numbers = Array.from({ length: 70_000 }, (_, i) => use.codeFor({ ...letter, text: `text ${i}` }))
  expect(Math.max(...numbers)).toBe(0xffff)
  expect(numbers.at(-1)).toBe(1)
})
