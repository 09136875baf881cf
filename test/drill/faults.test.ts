import { seeded } from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { schedule } from './faults.ts'

const TEN_MINUTES = 600_000

test('a seed repeats its faults', () => {
  const once = schedule(seeded(7), { forMs: TEN_MINUTES })
  expect(schedule(seeded(7), { forMs: TEN_MINUTES })).toEqual(once)
  expect(schedule(seeded(8), { forMs: TEN_MINUTES })).not.toEqual(once)
})

test.each([1, 2, 3, 4, 5])('ten minutes have every kind of fault (seed %i)', (seed) => {
  const strikes = schedule(seeded(seed), { forMs: TEN_MINUTES })
  const kinds = strikes.map(({ kind, ...rest }) => {
    const who = 'who' in rest ? rest.who.replace(/ \d$/, '') : ''
    return `${kind} ${who}`
  })
  for (const kind of ['kill worker', 'kill api', 'kill redis', 'freeze worker', 'freeze api', 'freeze redis'])
    expect(kinds).toContain(kind)
  for (const kind of ['freeze receiver', 'reset everybody', 'unreachable everybody', 'clock redis'])
    expect(kinds).toContain(kind)
  for (const kind of ['script flush ', 'client kill ', 'full ']) expect(kinds).toContain(kind)
  for (const forMs of [1_000, 10_000, 40_000])
    expect(strikes).toContainEqual(expect.objectContaining({ kind: 'unreachable', who: 'everybody', forMs }))
})

test('all is mended in time, and nothing lasts longer than it may', () => {
  const strikes = schedule(seeded(7), { forMs: 20_000, longestMs: 2_000 })
  expect(strikes.length).toBeGreaterThan(5)
  for (const { atMs, ...fault } of strikes) {
    const lasts = 'forMs' in fault ? fault.forMs : 0
    expect(lasts).toBeLessThanOrEqual(2_000)
    expect(atMs + lasts).toBeLessThanOrEqual(20_000)
  }
})
