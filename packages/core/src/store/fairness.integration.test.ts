import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTask, type TestStore, testStore } from '../testing/index.ts'

const RUNS = 12

async function fill(store: TestStore, tenant: string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => createTask(store, { tenant })))
}

async function weigh({ redis, scripts }: TestStore, weights: Record<string, number | string>): Promise<void> {
  const fields = Object.entries(weights).map(([tenant, weight]) => [`${tenant} weight`, weight])
  await redis.hset(`${scripts.prefixOf(0)}limits`, Object.fromEntries(fields))
}

/** Claims so many tasks; resolves to their tenants, in order. */
async function claimed(store: TestStore, count: number): Promise<string[]> {
  const claims = await Promise.all(Array.from({ length: count }, () => store.work.claim(0, 'test')))
  return claims.map((claim) => claim!.task.tenant)
}

/** How many whole turns of their own tenants have had. */
function turnsOf(order: string[], weights: Record<string, number>): number[] {
  return Object.entries(weights).map(
    ([tenant, weight]) => order.filter((name) => name === tenant).length / weight,
  )
}

const anyWeights = fc
  .array(fc.constantFrom(1, 1, 2, 7, 100, 1000), { minLength: 2, maxLength: 6 })
  .map((weights) => Object.fromEntries(weights.map((weight, n) => [`t${n}`, weight])))
const anySeed = fc.integer({ min: 1, max: 1_000_000 })

test('while all have tasks waiting, each has its share by weight, give or take one turn', async () => {
  const check = fc.asyncProperty(anyWeights, async (weights) => {
    const store = testStore()
    await weigh(store, weights)
    for (const tenant of Object.keys(weights)) await fill(store, tenant, 200)
    const order: string[] = []
    for (let n = 0; n < 4; n += 1) {
      order.push(...(await claimed(store, 50)))
      const turns = turnsOf(order, weights)
      const longest = Object.values(weights).map((weight) => 1 / weight)
      for (const [a, of] of turns.entries()) {
        for (const [b, other] of turns.entries()) {
          expect(Math.abs(of - other)).toBeLessThanOrEqual(longest[a]! + longest[b]! + 0.01)
        }
      }
    }
  })
  await fc.assert(check, { numRuns: RUNS, examples: [[{ t0: 1, t1: 1, t2: 1 }], [{ t0: 1, t1: 1000 }]] })
}, 60_000)

test('who empties and refills, or takes back what waits, has no more than its share; who refills in time no less', async () => {
  const pattern = fc.constantFrom('at once', 'now and then', 'takes back')
  const check = fc.asyncProperty(anyWeights, pattern, anySeed, async (weights, how, seed) => {
    const store = testStore()
    await weigh(store, weights)
    const [refiller, ...steady] = Object.keys(weights)
    let chance = seed
    const often = () => {
      chance = (chance * 48_271) % 2_147_483_647
      return chance % 3 === 0
    }
    // They begin at different places of a turn.
    for (const tenant of steady) {
      await fill(store, tenant, 150)
      await claimed(store, 1)
    }
    const order: string[] = []
    let waits: string | null = null
    for (let n = 0; n < 120; n += 1) {
      if (waits === null && (how !== 'now and then' || often()))
        [waits] = (await fill(store, refiller!, 1)) as [string]
      else if (waits !== null && how === 'takes back' && often()) {
        await store.control.cancel(refiller!, waits)
        ;[waits] = (await fill(store, refiller!, 1)) as [string]
      }
      const [tenant] = await claimed(store, 1)
      order.push(tenant!)
      if (tenant === refiller) waits = null
    }
    const [own, ...others] = turnsOf(order, weights)
    for (const [at, tenant] of steady.entries()) {
      const slack = 1 / weights[refiller!]! + 2 / weights[tenant]! + 0.1
      // What was claimed before the count began is within the slack.
      expect(own! - others[at]!, 'no more').toBeLessThanOrEqual(slack)
      if (how === 'at once') expect(others[at]! - own!, 'no less').toBeLessThanOrEqual(slack)
    }
  })
  await fc.assert(check, { numRuns: RUNS, examples: [[{ t0: 1, t1: 1, t2: 1, t3: 1, t4: 1 }, 'at once', 1]] })
}, 60_000)

test('a newcomer waits for one task of each tenant at most, whatever their weights and its own', async () => {
  const check = fc.asyncProperty(anyWeights, fc.nat({ max: 60 }), async (weights, before) => {
    const store = testStore()
    await weigh(store, weights)
    const [newcomer, ...others] = Object.keys(weights)
    for (const tenant of others) await fill(store, tenant, 80)
    if (before > 0) await claimed(store, before)
    await fill(store, newcomer!, 3)
    const order = await claimed(store, others.length + 1)
    expect(order).toContain(newcomer)
    const ahead = order.slice(0, order.indexOf(newcomer!))
    expect(new Set(ahead).size).toBe(ahead.length)
  })
  await fc.assert(check, { numRuns: RUNS })
}, 60_000)

test('however many come for the first time, those that were there have their turns', async () => {
  const store = testStore()
  await fill(store, 'patient', 10)
  const order: string[] = []
  for (let n = 0; n < 40; n += 1) {
    await fill(store, `new${n % 8}`, 1)
    order.push(...(await claimed(store, 1)))
  }
  expect(order.filter((tenant) => tenant === 'patient').length).toBeGreaterThanOrEqual(4)
})

test('a weight that is set while tasks wait counts from the next turn on, and what is none counts as 1', async () => {
  const store = testStore()
  await fill(store, 'north', 200)
  await fill(store, 'south', 200)
  await weigh(store, { north: 4 })
  const heavier = await claimed(store, 50)
  expect(heavier.filter((tenant) => tenant === 'north').length).toBeGreaterThanOrEqual(39)
  for (const none of ['', '-1', '0', 'nan', 'inf', '1e9', 'x']) {
    await weigh(store, { north: none })
    const order = await claimed(store, 10)
    expect(order.filter((tenant) => tenant === 'north').length, none).toBeGreaterThanOrEqual(4)
    expect(order.filter((tenant) => tenant === 'south').length, none).toBeGreaterThanOrEqual(4)
  }
})

test('what tenants have had is forgotten once it is past', async () => {
  const store = testStore()
  const served = `${store.scripts.prefixOf(0)}served:test`
  await fill(store, 'flood', 30)
  for (let n = 0; n < 20; n += 1) await fill(store, `t${n}`, 1)
  await claimed(store, 21)
  expect(await store.redis.zcard(served)).toBeGreaterThan(0)
  await claimed(store, 2)
  await store.upkeep.tick(0, ['test'], { retentionMs: 60_000, tombstoneMs: 60_000, maxStoredBytes: 0 })
  expect(await store.redis.zcard(served)).toBe(0)
})

test('a lane with thousands of tenants has each served once before any has a second turn', async () => {
  const store = testStore()
  const tenants = Array.from({ length: 2_000 }, (_, n) => `t${n}`)
  for (const tenant of ['flood', 'other']) await fill(store, tenant, 20)
  // Few at once: a create that reaches Redis late is refused.
  for (let at = 0; at < tenants.length; at += 50) {
    await Promise.all(tenants.slice(at, at + 50).flatMap((tenant) => fill(store, tenant, 2)))
  }
  const order = await claimed(store, 2_002)
  expect(new Set(order).size).toBe(2_002)
})
