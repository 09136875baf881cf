import { expect, it } from 'vitest'
import { visualOrder } from './direction.ts'

const order = (text: string) =>
  visualOrder(text).map((piece) => (piece.rightToLeft ? `<${piece.text}` : piece.text))

it('leaves left-to-right text in one piece', () => {
  expect(order('Zoë 123')).toEqual(['Zoë 123'])
})

it('puts figures and Latin into right-to-left text where a reader expects them', () => {
  expect(order('שלום 123 world')).toEqual(['world', '< ', '123', '<שלום '])
  expect(order('محمد 12 علي')).toEqual(['< علي', '12', '<محمد '])
})

it('puts right-to-left words into left-to-right text', () => {
  expect(order('abc (שלום) def')).toEqual(['abc (', '<שלום', ') def'])
})

it('knows the direction of characters beyond the basic plane', () => {
  expect(order('𞤀𞤣𞤤𞤢𞤥 abc')).toEqual(['abc', '<𞤀𞤣𞤤𞤢𞤥 '])
  expect(order('😀 שלום')).toEqual(['<😀 שלום'])
})
