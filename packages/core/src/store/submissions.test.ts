import { defineOperation } from '@accepted/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { limitsOf } from './submissions.ts'

const spec = {
  name: 'test.run',
  route: 'POST /tests',
  summary: 'A test',
  input: Type.Object({}),
  output: Type.Null(),
} as const

test('the limits of an operation are told in ms, those it does not have as null', () => {
  expect(limitsOf(defineOperation({ ...spec, timeouts: { startSeconds: 5, runSeconds: 0.5 } }))).toEqual({
    attempts: 3,
    startMs: 5_000,
    runMs: 500,
    totalMs: null,
    graceMs: 5_000,
    confirmMs: null,
  })
})

test.each([
  [undefined, undefined, null],
  [undefined, 2_000, 2_000],
  [60, undefined, 60_000],
  [60, 2_000, 2_000],
  [60, 61_000, 60_000],
])('an operation’s %s s in all and a request’s %s ms make %s ms: it can only tighten', (total, after, ms) => {
  const timeouts = total === undefined ? {} : { totalSeconds: total }
  expect(limitsOf(defineOperation({ ...spec, timeouts }), after).totalMs).toBe(ms)
})
