import { expect, it } from 'vitest'
import { clustersOf, tokensOf } from './tokens.ts'

it('takes words with the space after them, and figures three by three', () => {
  expect(tokensOf('2 × Desk lamp')).toEqual(['2', ' ', '× ', 'Desk ', 'lamp'])
  expect(tokensOf('A-100001')).toEqual(['A-', '100', '001'])
  expect(tokensOf('')).toEqual([])
})

it('leaves a figure with the marks that are put on it', () => {
  expect(tokensOf('a 1\u{fe0f}\u{20e3} b')).toEqual(['a ', '1\u{fe0f}\u{20e3} ', 'b'])
})

it('keeps together what is read as one', () => {
  expect(clustersOf('e\u0301a👩‍💻')).toEqual(['e\u0301', 'a', '👩‍💻'])
})
