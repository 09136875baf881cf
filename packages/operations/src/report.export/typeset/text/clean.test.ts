import { expect, it } from 'vitest'
import { cleanText } from './clean.ts'

it('leaves ordinary text alone', () => {
  expect(cleanText('Zoë O’Brien & Søn, 3 × Å')).toBe('Zoë O’Brien & Søn, 3 × Å')
})

it('puts text on one line, composed', () => {
  expect(cleanText('  two\r\n lines\tand\u2028more ')).toBe('two lines and more')
  expect(cleanText('e\u0301')).toBe('\u00e9')
})

it('shows that there was something where it cannot show what', () => {
  expect(cleanText('a\u0000b\u009fc\ud83dd')).toBe('a\ufffdb\ufffdc\ufffdd')
})

it('removes what would show a text as another', () => {
  expect(cleanText('\u202egpj.exe\u202c')).toBe('gpj.exe')
})

it('cuts towers of accents down', () => {
  expect(cleanText(`Z${'\u0336\u0321\u0334'.repeat(20)}algo`)).toMatch(/^Z\p{M}{1,3}algo$/u)
})

it('cuts text that no cell could show, between two characters', () => {
  expect(cleanText('x'.repeat(1_000_000))).toBe(`${'x'.repeat(240)}…`)
  const emoji = cleanText(`x${'🌸'.repeat(1000)}`)
  expect(emoji.isWellFormed()).toBe(true)
  expect(emoji.endsWith('…')).toBe(true)
})
