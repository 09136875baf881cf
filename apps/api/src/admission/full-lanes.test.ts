import { type LaneState, StoreUnavailable } from '@accepted/core'
import { expect, test } from 'vitest'
import { FullLanes } from './full-lanes.ts'

const LANE = { lane: 'cars', operation: 'car.build' }

/** Full lanes of at most 10, in a store of which the test says what it has, on a clock that it sets. */
function scene(waiting = 10, state: Partial<LaneState> = {}) {
  const world = { waiting, nowMs: 1_000, looks: 0, away: false, chance: 0 }
  const lanes = new FullLanes({
    look: async () => {
      world.looks += 1
      if (world.away) throw new StoreUnavailable('away')
      const known: LaneState = {
        nowMs: 5_000_000 + world.nowMs,
        waiting: world.waiting,
        running: 2,
        slots: 2,
        fetchedMs: 0,
        claimable: 0,
        // One task leaves every 2 s.
        drained: [
          { beganMs: 5_000_000 + world.nowMs, left: 1 },
          { beganMs: 4_980_000 + world.nowMs, left: 10 },
        ],
        recentMs: [],
        ...state,
      }
      return known
    },
    maxBacklog: 10,
    bounds: { minSeconds: 1, maxSeconds: 600 },
    monotonic: () => world.nowMs,
    chance: () => world.chance,
  })
  const isRefused = () => {
    const refusal = lanes.knownRefusal(LANE)
    if (refusal) expect(refusal).toMatchObject({ code: 'backlog_full' })
    return refusal !== undefined
  }
  return { world, lanes, isRefused }
}

/** Lets what has begun by the side come to its end. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a lane is not held to be full before the store has said so', async () => {
  const { world, lanes, isRefused } = scene()
  expect(isRefused()).toBe(false)
  await lanes.refusal(LANE, 10, Number.POSITIVE_INFINITY)
  expect(isRefused()).toBe(true)
  expect(world.looks).toBe(1)
})

test('what is known is believed for 250 ms, and then the store is asked', async () => {
  const { world, lanes, isRefused } = scene()
  await lanes.refusal(LANE, 10, Number.POSITIVE_INFINITY)
  world.nowMs += 251
  expect(isRefused()).toBe(false)
})

test('while starts come in it is looked at again by the side, once at a time: 8 looks a second, however many come', async () => {
  const { world, lanes, isRefused } = scene()
  await lanes.refusal(LANE, 10, Number.POSITIVE_INFINITY)
  for (let n = 0; n < 1_000; n += 1) {
    world.nowMs += 1
    expect(isRefused()).toBe(true)
    await settled()
  }
  expect(world.looks).toBeGreaterThanOrEqual(8)
  expect(world.looks).toBeLessThanOrEqual(9)
})

test('once a look finds room, starts go on', async () => {
  const { world, lanes, isRefused } = scene()
  await lanes.refusal(LANE, 10, Number.POSITIVE_INFINITY)
  world.waiting = 9
  world.nowMs += 126
  expect(isRefused()).toBe(true)
  await settled()
  expect(isRefused()).toBe(false)
})

test('while the store is away what was known is not believed for longer', async () => {
  const { world, lanes, isRefused } = scene()
  await lanes.refusal(LANE, 10, Number.POSITIVE_INFINITY)
  world.away = true
  world.nowMs += 200
  expect(isRefused()).toBe(true)
  await settled()
  world.nowMs += 51
  expect(isRefused()).toBe(false)
  await expect(lanes.refusal(LANE, 10, 3)).rejects.toThrow(StoreUnavailable)
})

test('one that is too long for a caller is not full for others; when to come again is when it is as short as that', async () => {
  const { lanes, isRefused } = scene(8)
  const { options } = await lanes.refusal(LANE, 8, 3)
  // Five have to leave, 2 s each and a fifth more.
  expect(options.headers).toEqual({ 'retry-after': '12' })
  expect(isRefused()).toBe(false)
})

test('of those who are refused at once each is told a turn of its own', async () => {
  const { lanes } = scene()
  const refused = await Promise.all(
    Array.from({ length: 5 }, () => lanes.refusal(LANE, 10, Number.POSITIVE_INFINITY)),
  )
  expect(refused.map(({ options }) => options.headers!['retry-after'])).toEqual(['3', '5', '8', '10', '12'])
})

test('so many tasks have likely been taken when as many have left, and a fifth later; nobody has to wait for that in turns', async () => {
  const { world, lanes } = scene()
  expect(await lanes.whenTaken(LANE, 5)).toBe(12)
  expect(await lanes.whenTaken(LANE, 5)).toBe(12)
  expect(world.looks).toBe(1)
  const { options } = await lanes.refusal(LANE, 10, Number.POSITIVE_INFINITY)
  expect(options.headers).toEqual({ 'retry-after': '3' })
})

test('of an empty lane it is told by recent durations, or the least wait if there are none', async () => {
  const idle = { drained: [], running: 0 }
  expect(await scene(0, { ...idle, recentMs: [4_000, 4_000] }).lanes.whenTaken(LANE, 3)).toBe(8)
  expect(await scene(0, idle).lanes.whenTaken(LANE, 3)).toBe(1)
})

test('where nothing leaves it is the longest wait, less up to a tenth', async () => {
  const drained = [
    { beganMs: 1_000_000, left: 1 },
    { beganMs: 980_000, left: 10 },
  ]
  for (const nothingLeaves of [{ slots: 0 }, { drained }]) {
    const { world, lanes } = scene(10, nothingLeaves)
    expect(await lanes.whenTaken(LANE, 5)).toBe(600)
    world.chance = 0.5
    expect(await lanes.whenTaken(LANE, 5)).toBe(570)
  }
})

test('while the store is away nobody is told when', async () => {
  const { world, lanes } = scene()
  world.away = true
  await expect(lanes.whenTaken(LANE, 5)).rejects.toThrow(StoreUnavailable)
})

test('who accepts a shorter queue takes no turn of those who find the lane full', async () => {
  const { lanes } = scene()
  const retryAfter = async (maxQueue: number) =>
    (await lanes.refusal(LANE, 10, maxQueue)).options.headers!['retry-after']
  expect(await retryAfter(0)).toBe('24')
  expect(await retryAfter(0)).toBe('27')
  expect(await retryAfter(Number.POSITIVE_INFINITY)).toBe('3')
  expect(await retryAfter(0)).toBe('29')
})

test('whatever lengths are asked for, of the eldest turn nothing is remembered after a thousand others', async () => {
  const { lanes } = scene()
  const retryAfter = async (maxQueue: number, waiting: number) =>
    (await lanes.refusal({ ...LANE, lane: `to ${maxQueue}` }, waiting, 0)).options.headers!['retry-after']
  expect(await retryAfter(0, 1)).toBe('3')
  expect(await retryAfter(0, 1)).toBe('5')
  for (let n = 1; n <= 1_000; n += 1) await retryAfter(n, 1)
  expect(await retryAfter(0, 1)).toBe('3')
})
