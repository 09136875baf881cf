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
