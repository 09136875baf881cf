import { freshPrefix } from '@accepted/core/testing'
import { expect, inject, test } from 'vitest'
import { fuzzWire } from './fuzz-wire.ts'

test('whatever bytes come, both APIs answer what HTTP knows, serve others meanwhile, and keep nothing', async () => {
  const report = await fuzzWire({
    redisUrl: inject('redisUrl'),
    prefix: freshPrefix(),
    forMs: 6_000,
    seed: 7,
    say: () => undefined,
  })
  expect(report.wrong).toEqual([])
  expect(report.attacks).toBeGreaterThan(50)
  expect(Object.keys(report.answers)).toEqual(
    expect.arrayContaining(['200', '202', '400', '404', '405', '408']),
  )
  expect(report.healthy.asked).toBeGreaterThan(5)
}, 120_000)
