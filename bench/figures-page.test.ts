import { expect, test } from 'vitest'
import { pageOf, sectionsOf } from './figures-page.ts'

const NAMES = ['http', 'tasks', 'polling']

test('a page keeps the sections that were not measured again', () => {
  const page = pageOf(
    new Map([
      ['http', '| a |\n\nwords'],
      ['tasks', '| b |'],
    ]),
    NAMES,
  )
  const later = pageOf(new Map([...sectionsOf(page), ['tasks', '| c |']]), NAMES)
  expect(later).toBe(page.replace('| b |', '| c |'))
})

test('sections stand in the order of the benches, whenever they came', () => {
  const page = pageOf(
    new Map([
      ['polling', 'late'],
      ['http', 'early'],
    ]),
    NAMES,
  )
  expect([...sectionsOf(page).keys()]).toEqual(['http', 'polling'])
})
