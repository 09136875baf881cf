import { expect, test } from 'vitest'
import { createdId, submission, terms, testStore } from '../testing/index.ts'

test('jobs that were never added are made good at the second look, as many as slots are free', async () => {
  const { scripts, upkeep, jobs, submissions, redis } = testStore()
  await upkeep.heartbeat(0, 'w', { test: 3 }, 60_000, 10)
  for (let n = 0; n < 5; n += 1) createdId(await submissions.create(submission()))
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(5)
  await redis.del(...(await redis.keys(`${scripts.prefixOf(0)}bull:*`)))
  expect(await upkeep.topUp(0, 'test')).toBe(0)
  expect(await upkeep.topUp(0, 'test')).toBe(3)
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(3)
  expect(await upkeep.topUp(0, 'test')).toBe(0)
})

test('a lane that is quiet is sent one job, to see whether a worker is there', async () => {
  const { upkeep, jobs, work } = testStore()
  await upkeep.tick(0, ['test'], terms())
  await upkeep.tick(0, ['test'], terms())
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(1)
  expect((await upkeep.laneState(0, 'test')).fetchedMs).toBe(0)
  expect(await work.claim(0, 'test')).toBeNull()
  const state = await upkeep.laneState(0, 'test')
  expect(state.nowMs - state.fetchedMs).toBeLessThan(1000)
})

test('a lane whose slots are all taken is not probed', async () => {
  const { upkeep, jobs, work, submissions } = testStore()
  await upkeep.heartbeat(0, 'w', { test: 1 }, 60_000, 10)
  await submissions.create(submission())
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(1)
  expect(await work.claim(0, 'test')).not.toBeNull()
  await upkeep.tick(0, ['test'], terms(), 0)
  await upkeep.tick(0, ['test'], terms(), 0)
  expect(await jobs.waiting(0, 'test')).toBe(1)
  await upkeep.heartbeat(0, 'w', { test: 2 }, 60_000, 10)
  await upkeep.tick(0, ['test'], terms(), 0)
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(2)
})

test('the slots of a lane are those of the workers that were heard of lately', async () => {
  const { upkeep } = testStore()
  await upkeep.heartbeat(0, 'w1', { test: 10, other: 10 }, 60_000, 10)
  await upkeep.heartbeat(0, 'w1', { test: 10, other: 10 }, 60_000, 10)
  await upkeep.heartbeat(0, 'w2', { test: 5 }, 60_000, 10)
  await upkeep.heartbeat(0, 'w3', { test: 7 }, 0, 10)
  expect((await upkeep.laneState(0, 'test')).slots).toBe(15)
  await upkeep.heartbeat(0, 'w1', { test: 0 }, 60_000, 10)
  expect((await upkeep.laneState(0, 'test')).slots).toBe(5)
})

test('a lane that has plenty of jobs gets no more of them', async () => {
  const { upkeep, jobs, submissions } = testStore()
  await upkeep.heartbeat(0, 'w', { test: 75 }, 60_000, 10)
  for (let n = 0; n < 4; n += 1) {
    await Promise.all(
      Array.from({ length: 100 }, async () => createdId(await submissions.create(submission()))),
    )
  }
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(150)
})
