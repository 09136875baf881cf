import { expect, test } from 'vitest'
import { readPreferences } from './preferences.ts'

test('reads what it knows, among others, in any case and spacing', () => {
  expect(readPreferences('respond-async')).toEqual({ respondAsync: true })
  expect(readPreferences('handling=lenient;x=1 , Respond-Async, TASK-STYLE = "created" ; q=1')).toEqual({
    respondAsync: true,
    taskStyle: 'created',
  })
})

test('of a preference that is named twice the first counts', () => {
  expect(readPreferences('task-style=created, task-style=monitor').taskStyle).toBe('created')
})

test('a comma in quotes separates nothing', () => {
  expect(readPreferences('note="a, respond-async", task-style=see-other')).toEqual({
    respondAsync: false,
    taskStyle: 'see-other',
  })
})

test('what cannot be read is ignored', () => {
  for (const field of [
    undefined,
    '',
    ',,,',
    '=',
    '"',
    'a"b',
    'respond-async"',
    ';;',
    '\u0000',
    'x='.repeat(5000),
  ]) {
    expect(readPreferences(field), String(field).slice(0, 20)).toEqual({ respondAsync: false })
  }
})
