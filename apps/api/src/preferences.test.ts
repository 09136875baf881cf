import { expect, test } from 'vitest'
import { preferenceApplied, readPreferences } from './preferences.ts'

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

test('no field takes the square of its length to read', () => {
  // A second would be hours.
  for (const run of [' ', '\t', ',', ';', '=', '"', '\\', '\\"', 'a ', 'a=', ' =', '" ']) {
    for (const [before, after] of [
      ['a', '@'],
      ['a=', '@'],
      ['a="', '@'],
      ['a=b', '@'],
      ['a;', '\n'],
    ] as const) {
      readPreferences(before + run.repeat(300_000) + after)
    }
  }
})

test('a wait is a number of seconds, of which 60 are the most', () => {
  for (const [field, seconds] of [
    ['wait=1', 1],
    ['wait="10"', 10],
    ['Wait = 60', 60],
    ['wait=61', 60],
    ['wait=1000000000', 60],
    [`wait=${'9'.repeat(400)}`, 60],
    ['wait=5, wait=7', 5],
    ['respond-async, wait=10;x=y', 10],
  ] as const) {
    expect(readPreferences(field).waitSeconds, field).toBe(seconds)
  }
})

test('a wait that is none is ignored', () => {
  for (const field of [
    'wait',
    'wait=',
    'wait=0',
    'wait=000',
    'wait=-1',
    'wait=1.5',
    'wait=1e9',
    'wait=abc',
    'wait=" 5"',
  ]) {
    expect(readPreferences(field), field).toEqual({ respondAsync: false })
  }
})

test('what was honoured is named', () => {
  expect(preferenceApplied(undefined, {})).toEqual({})
  expect(preferenceApplied('task-style=created', { respondAsync: true, waitSeconds: 60 })).toEqual({
    'preference-applied': 'respond-async, task-style=created, wait=60',
  })
})
