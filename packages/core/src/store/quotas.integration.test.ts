import { describe, expect, test } from 'vitest'
import { TenantLimits } from '../limits/tenant-limits.ts'
import {
  COMPLETED,
  calledBack,
  claimTask,
  contentsOf,
  createdId,
  createTask,
  DELIVERED,
  endedTask,
  submission,
  takeDelivery,
  testStore,
} from '../testing/index.ts'
import { checkFigures } from './model/invariants.ts'
import type { Submission } from './submissions.ts'

/** A store whose tenants may have so many tasks waiting, in a lane of so many. */
function limited(waiting: number, maxBacklog = 1_000) {
  const store = testStore()
  const create = (tenant: string, changes: Partial<Submission> = {}) =>
    store.submissions.create(
      submission({
        tenant,
        maxBacklog,
        quotas: { waiting, storedBytes: 0, tombstoneMs: 60_000 },
        ...changes,
      }),
    )
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
  for (let n = 0; told.outcome === 'over_quota' && n < Number(told.takes); n++) await claimTask(store)
  expect((await create('south')).outcome).toBe('created')
})

describe('a tenant that stores as much as it may', () => {
  const terms = { waiting: 0, tombstoneMs: 60_000 }

  /** A store in which a tenant has so many ended tasks, and what is counted of them. */
  async function full(ended: number) {
    const store = testStore()
    const started = await Promise.all(
      Array.from({ length: ended }, () => store.submissions.create(submission({ tenant: 'north' }))),
    )
    const taskIds = started.map(createdId)
    await Promise.all(taskIds.map(async () => store.work.end(await claimTask(store), COMPLETED)))
    const usedBytes = async () => {
      const contents = await contentsOf(store)
      checkFigures(contents)
      const charged = contents.map('stored')
      return Number(charged.get('north open') ?? 0) + Number(charged.get('north ended') ?? 0)
    }
    const create = (storedBytes: number, changes: Partial<Submission> = {}) =>
      store.submissions.create(submission({ tenant: 'north', quotas: { ...terms, storedBytes }, ...changes }))
    const outcomes = (ids = taskIds, tenant = 'north') =>
      Promise.all(ids.map(async (id) => (await store.reader.read(tenant, id)).outcome))
    return { store, taskIds, usedBytes, create, outcomes }
  }

  test('makes room by its own ended tasks, those that came first first, and no other tenant’s', async () => {
    const { store, taskIds, usedBytes, create, outcomes } = await full(4)
    const foreign = await endedTask(store, submission({ tenant: 'south' }))
    const before = await usedBytes()
    expect((await create(before)).outcome).toBe('created')
    // An open task takes more than an ended one.
    expect(await outcomes()).toEqual(['gone', 'gone', 'task', 'task'])
    expect(await outcomes([foreign], 'south')).toEqual(['task'])
    expect(await usedBytes()).toBeLessThanOrEqual(before)
    expect((await contentsOf(store)).map('figures').get('expired quota')).toBe('2')
    expect(taskIds).toHaveLength(4)
  })

  test('is refused what does not fit beside its open tasks, and keeps its ended ones then', async () => {
    const { store, usedBytes, create, outcomes } = await full(2)
    const ended = await usedBytes()
    for (let n = 0; n < 4; n++) createdId(await create(0))
    const used = await usedBytes()
    const [most, open] = [used + 100, used - ended]
    const body = JSON.stringify('x'.repeat(most - open + 200))
    // Two of the four that wait have to end.
    const refusal = { outcome: 'over_quota', quota: 'stored', limit: most, used }
    expect(await create(most, { body })).toEqual({ ...refusal, takes: 2 })
    // Those that neither wait nor run in the lane are not for it to end.
    expect(await create(most, { body, lane: 'other' })).toEqual({ ...refusal, takes: null })
    await store.work.end(await claimTask(store), COMPLETED)
    await store.work.end(await claimTask(store), COMPLETED)
    expect((await create(most, { body })).outcome).toBe('created')
    expect(await outcomes()).toEqual(['gone', 'gone'])
    expect(await usedBytes()).toBeLessThanOrEqual(most)
  })

  test('is told of what would never fit, and keeps all that it has', async () => {
    const { usedBytes, create, outcomes } = await full(2)
    const used = await usedBytes()
    const told = await create(used, { body: JSON.stringify('x'.repeat(used)) })
    expect(told).toMatchObject({ outcome: 'never_fits', limitBytes: used })
    expect(told.outcome === 'never_fits' && told.bytes).toBeGreaterThan(used)
    expect(await outcomes()).toEqual(['task', 'task'])
  })

  test('makes some more room than it needs, so that most starts look for none', async () => {
    const { store, usedBytes, create } = await full(300)
    const gone = async () =>
      Number(await store.redis.hget(`${store.scripts.prefixOf(0)}figures`, 'expired quota'))
    const most = await usedBytes()
    let [making, before] = [0, 0]
    for (let n = 0; n < 20; n++) {
      createdId(await create(most))
      const now = await gone()
      if (now > before) making += 1
      before = now
    }
    expect(making).toBeLessThanOrEqual(10)
  })

  test('makes no more room in one call than is quick, whatever that starts; who found none finds it soon', async () => {
    const { store, usedBytes, create } = await full(150)
    const body = JSON.stringify('x'.repeat(20_000))
    const most = await usedBytes()
    const starts = await Promise.all(Array.from({ length: 10 }, () => create(most, { body })))
    expect(Number((await contentsOf(store)).map('figures').get('expired quota'))).toBe(100)
    const refused = starts.filter(({ outcome }) => outcome !== 'created')
    expect(refused.length).toBeGreaterThan(0)
    for (const told of refused) expect(told).toMatchObject({ outcome: 'over_quota', takes: 0 })
    expect((await create(most, { body })).outcome).toBe('created')
    await usedBytes()
  }, 20_000)

  test('is not refused for long while some can go, however many came before that cannot', async () => {
    const { store, usedBytes, create, outcomes } = await full(0)
    const long = createdId(await create(0))
    const claim = await claimTask(store)
    const told = calledBack({ events: ['completed'] }, { tenant: 'north' })
    for (let n = 0; n < 120; n++) await endedTask(store, told)
    const free: string[] = []
    for (let n = 0; n < 8; n++) free.push(await endedTask(store, submission({ tenant: 'north' })))
    const most = await usedBytes()
    // The first 100 tasks cannot go.
    expect(await create(most)).toMatchObject({ outcome: 'over_quota', takes: 0 })
    createdId(await create(most))
    const gone = (await outcomes(free)).filter((outcome) => outcome === 'gone').length
    expect(gone).toBeGreaterThan(0)
    expect(gone).toBeLessThan(6)
    // What was passed and can go now goes first.
    const delivery = await takeDelivery(store)
    await store.outbox.settle(delivery, DELIVERED)
    await store.work.end(claim, COMPLETED)
    createdId(await create((await usedBytes()) + 1_200))
    expect(await outcomes([long, delivery.task.taskId])).toEqual(['gone', 'gone'])
    expect((await outcomes(free)).filter((outcome) => outcome === 'gone')).toHaveLength(gone)
    // Nothing more can go than these, and nobody knows when others can.
    for (const taskId of free) await store.control.delete('north', taskId)
    expect(await create(await usedBytes())).toMatchObject({ outcome: 'over_quota', takes: null })
  }, 20_000)

  test('keeps those whose callbacks are tried, until they are not', async () => {
    const { store, usedBytes, create } = await full(0)
    const told = await endedTask(store, calledBack({ events: ['completed'] }, { tenant: 'north' }))
    const used = await usedBytes()
    expect(await create(used)).toMatchObject({ outcome: 'over_quota', quota: 'stored', used })
    await store.outbox.settle(await takeDelivery(store), DELIVERED)
    expect((await create(used)).outcome).toBe('created')
    expect((await store.reader.read('north', told)).outcome).toBe('gone')
    await usedBytes()
  })

  test('has as much room as its ended tasks take, though callbacks of many before them are tried', async () => {
    const { store, usedBytes, create, outcomes } = await full(0)
    const told = calledBack({ events: ['completed'] }, { tenant: 'north' })
    for (let n = 0; n < 201; n++) await endedTask(store, told)
    const eldest = await endedTask(store, submission({ tenant: 'north' }))
    const latest = await endedTask(store, submission({ tenant: 'north' }))
    // A call looks at a hundred; what it passed is passed for those after it.
    const bytes = await usedBytes()
    for (let n = 0; n < 2; n++) expect(await create(bytes)).toMatchObject({ outcome: 'over_quota' })
    expect((await create(bytes)).outcome).toBe('created')
    expect(await outcomes([eldest, latest])).toEqual(['gone', 'gone'])
    expect((await contentsOf(store)).map('figures').get('expired quota')).toBe('2')
  })

  test('what an operator has set goes before the default', async () => {
    const { store, create } = await full(1)
    const limits = new TenantLimits(store.scripts)
    await limits.set('north', { stored: 1 })
    expect(await create(0)).toMatchObject({ outcome: 'never_fits', limitBytes: 1 })
    await limits.set('north', { stored: 0 })
    expect((await create(1)).outcome).toBe('created')
  })
})

test('what an earlier release made is not counted, neither while it is there nor when it goes', async () => {
  const store = testStore()
  const { redis, scripts, control } = store
  const place = `${scripts.prefixOf(0)}stored`
  // As it was before anything was counted for tenants.
  const [open, ended] = [await createTask(store), await endedTask(store, submission())]
  await redis.del(place)
  await createTask(store)
  const since = (await redis.hget(place, ' since'))!
  expect(Number.parseInt(since, 16) - (await scripts.now())).toBeGreaterThan(590_000)
  expect(await redis.hkeys(place)).toEqual([' since'])
  // The ten minutes are over.
  await redis.hset(
    place,
    ' since',
    Math.floor(await scripts.now())
      .toString(16)
      .padStart(12, '0'),
  )
  const counted = await createTask(store)
  const charge = Number(await redis.hget(place, 'default open'))
  expect(charge).toBeGreaterThan(1_200)
  await control.cancel('default', open)
  await control.delete('default', ended)
  await control.delete('default', open)
  expect(Number(await redis.hget(place, 'default open'))).toBe(charge)
  expect(await redis.hget(place, 'default ended')).toBeNull()
  await control.cancel('default', counted)
  expect(await redis.hget(place, 'default open')).toBeNull()
  expect(Number(await redis.hget(place, 'default ended'))).toBeGreaterThan(550)
})

test('a tenant that has no task any more takes nothing, whatever another release has left out', async () => {
  const store = testStore()
  const taskId = await endedTask(store, submission())
  const place = `${store.scripts.prefixOf(0)}stored`
  await store.redis.hincrby(place, 'default open', 5_000)
  await store.control.delete('default', taskId)
  expect(await store.redis.hkeys(place)).toEqual([' since'])
})
