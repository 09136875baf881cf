import { freshPrefix } from '@accepted/core/testing'
import { expect, inject, test } from 'vitest'
import { fuzzApi } from './fuzz-api.ts'

test('whatever is sent, every answer is as described, none is 5xx but a 503, and tenants stay apart', async () => {
  const said: string[] = []
  const report = await fuzzApi({
    redisUrl: inject('redisUrl'),
    prefix: freshPrefix(),
    forMs: 150_000,
    mostSequences: 50,
    seed: 1,
    say: (words) => void said.push(words),
  })
  expect(report.wrong).toEqual([])
  // It came far enough to mean something.
  expect(report.requests).toBeGreaterThan(200)
  expect(Object.keys(report.reached).length).toBeGreaterThan(15)
  expect(report.reached).toHaveProperty(['audit.list'])
  expect(report.known.task_id).toBeGreaterThan(5)
}, 180_000)
