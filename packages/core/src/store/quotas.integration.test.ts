import { expect, test } from 'vitest'
import { TenantLimits } from '../limits/tenant-limits.ts'
import { claimTask, createdId, submission, testStore } from '../testing/index.ts'
import type { Submission } from './submissions.ts'

/** A store whose tenants may have so many tasks waiting, in a lane of so many. */
function limited(waiting: number, maxBacklog = 1_000) {
  const store = testStore()
  const create = (tenant: string, changes: Partial<Submission> = {}) =>
    store.submissions.create(submission({ tenant, maxBacklog, quotas: { waiting }, ...changes }))
  const fill = async (tenant: string, tasks: number) => {
    const outcomes = await Promise.all(Array.from({ length: tasks }, () => create(tenant)))
    return outcomes.filter(({ outcome }) => outcome === 'created').length
  }
  return { store, limits: new TenantLimits(store.scripts), create, fill }
}

test('a tenant has as many tasks waiting in a lane as it may, and no other tenant or lane is touched', async () => {
  const { store, create, fill } = limited(3)
  expect(await fill('north', 5)).toBe(3)
  expect(await create('north')).toEqual({
    outcome: 'over_quota',
    quota: 'waiting',
    limit: 3,
    used: 3,
    takes: 1,
  })
  expect(await fill('south', 2)).toBe(2)
  expect((await create('north', { lane: 'other' })).outcome).toBe('created')
  // By turns: the lane takes one of each before north has room for the next but one.
  await store.work.claim(0, 'test')
  expect((await create('north')).outcome).toBe('created')
  expect(await create('north')).toMatchObject({ outcome: 'over_quota', takes: 2 })
})

test('whoever sends an Idempotency-Key again is answered with its task, however many wait', async () => {
  const { create } = limited(1)
  const idempotency = { key: 'k', fingerprint: 'f' }
  const taskId = createdId(await create('north', { idempotency }))
  expect(await create('north', { idempotency })).toEqual({ outcome: 'exists', taskId })
  expect(await create('north', { idempotency: { key: 'l', fingerprint: 'f' } })).toMatchObject({
    outcome: 'over_quota',
  })
})

test('what an operator has set goes before the default at once; 0 is any number', async () => {
  const { limits, fill } = limited(2)
  await limits.set('north', { waiting: 5 })
  await limits.set('south', { waiting: 0 })
  expect([await fill('north', 9), await fill('south', 9), await fill('east', 9)]).toEqual([5, 9, 2])
  await limits.set('north', { waiting: null })
  expect(await fill('north', 1)).toBe(0)
})

test('without quotas none holds, whatever was set', async () => {
  const { store, limits } = limited(1)
  await limits.set('default', { waiting: 1 })
  for (let n = 0; n < 3; n++) createdId(await store.submissions.create(submission()))
})

test('tenants that fill a lane leave room in its last tenth for those that come new', async () => {
  const { create, fill } = limited(0, 100)
  expect(await fill('north', 100)).toBe(90)
  expect(await create('north')).toMatchObject({
    outcome: 'over_quota',
    quota: 'waiting',
    limit: 10,
    used: 90,
  })
  // Each newcomer may have what it leaves free, the next of what is left.
  expect(await fill('south', 100)).toBe(5)
  expect(await fill('east', 100)).toBe(3)
  expect(await fill('west', 100)).toBe(1)
  expect(await create('north')).toMatchObject({ outcome: 'over_quota', limit: 1 })
  expect((await create('newcomer')).outcome).toBe('created')
})

test('a lane that two tenants share leaves its last tenth alone, too', async () => {
  const { store, create, fill } = limited(0, 40)
  expect(await fill('north', 20)).toBe(20)
  expect(await fill('south', 20)).toBe(16)
  const told = await create('south')
  expect(told).toMatchObject({ outcome: 'over_quota', limit: 4, used: 16 })
  // As many as it was told the lane takes, and there is room.
  for (let n = 0; told.outcome === 'over_quota' && n < told.takes; n++) await claimTask(store)
  expect((await create('south')).outcome).toBe('created')
})
