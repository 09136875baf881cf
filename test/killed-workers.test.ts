import { freshPrefix, passTime } from '@accepted/core/testing'
import { expect, inject, test } from 'vitest'
import { soak } from './soak/soak.ts'

test('every message arrives, whoever is killed and however receivers behave; twice only if that explains it', async () => {
  const report = await soak({
    redisUrl: inject('redisUrl'),
    prefix: freshPrefix(),
    forMs: 10_000,
    tasksPerSecond: 20,
    passTime: ({ scripts }, ms) => passTime({ redis: scripts.redis, scripts }, ms),
  })
  expect(report).toMatchObject({ missing: [], odd: [], unexplained: [], lostWithoutKill: [], forged: 0 })
  expect(report.kills).toBeGreaterThan(0)
  expect(report.expected).toBeGreaterThan(50)
  expect(report.arrived).toBeGreaterThan(report.messages)
}, 120_000)
