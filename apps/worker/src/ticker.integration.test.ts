import { terms, testStore, until } from '@accepted/core/testing'
import { expect, onTestFinished, test } from 'vitest'
import { Ticker } from './ticker.ts'

test('leases that could not be renewed are renewed again at once, since ticks may get through by which they run out', async () => {
  const { upkeep, log } = testStore()
  let tries = 0
  const ticker = new Ticker(upkeep, {
    shards: 1,
    slots: {},
    endpointCap: 10,
    tenantCap: 0,
    terms: terms(),
    renew: async () => {
      tries += 1
      throw new Error('MISCONF')
    },
    beat: async () => undefined,
    outdated: () => undefined,
    worker: 'w',
    log,
  })
  onTestFinished(() => ticker.stop())
  const began = performance.now()
  ticker.start()
  await until(async () => tries === 5)
  // At their usual pace it would be 8 s, which is a whole lease.
  expect(performance.now() - began).toBeLessThan(6_000)
})

test('it beats once Redis has heard that the worker lives, and not if Redis did not', async () => {
  const { upkeep, log } = testStore()
  let heard = 0
  const beats: number[] = []
  const listening = Object.assign(Object.create(upkeep) as typeof upkeep, {
    heartbeat: async (...told: Parameters<typeof upkeep.heartbeat>) => {
      heard += 1
      if (heard === 1) throw new Error('Redis is away')
      return upkeep.heartbeat(...told)
    },
  })
  const ticker = new Ticker(listening, {
    shards: 1,
    slots: {},
    endpointCap: 10,
    tenantCap: 0,
    terms: terms(),
    renew: async () => undefined,
    beat: async () => void beats.push(heard),
    outdated: () => undefined,
    worker: 'w',
    log,
  })
  onTestFinished(() => ticker.stop())
  ticker.start()
  await until(async () => beats.length > 0)
  expect(beats).toEqual([2])
})
