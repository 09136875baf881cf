import { randomBytes } from 'node:crypto'
import type { AuditAction } from '@accepted/contract'
import { startLocalRedis, startRedisProxy } from '@accepted/local-redis'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import {
  ApiKeys,
  AuditTrail,
  connectForAnswers,
  InstallationKeys,
  LostCreates,
  newId,
  Scripts,
  Sealer,
  StoreUnavailable,
  Submissions,
  TaskReader,
  TenantSecrets,
} from '../index.ts'
import {
  COMPLETED,
  calledBack,
  claimTask,
  createdId,
  endedTask,
  FAILED,
  passTime,
  submission,
  takeDelivery,
  terms,
  testStore,
  until,
} from '../testing/index.ts'
import type { ActedBy } from './acted-by.ts'
import type { AuditFilter, AuditPlace } from './audit-trail.ts'

const BY: ActedBy = { name: 'key_one', address: '203.0.113.7', requestId: 'request-1', kept: 10_000 }
const ASKED = submission({ actedBy: BY })

function scene(options: Parameters<typeof testStore>[0] = {}) {
  const store = testStore(options)
  const trail = new AuditTrail(store.scripts)
  const all = async (tenant = 'default', filter: AuditFilter = {}) =>
    (await trail.list(tenant, filter, 200)).entries
  const told = async (tenant?: string) => (await all(tenant)).map(({ action }) => action)
  return { ...store, store, trail, all, told }
}

/** What a task of the scene's lane awaits its client's word with. */
const CONFIRMED = { limits: { ...ASKED.limits, confirmMs: 60_000 } }

describe('an act is noted', () => {
  test('with who did it, from where, in which request, when, and to what', async () => {
    const { store, submissions, control, deliveries, work, outbox, all } = scene()
    const confirmed = createdId(await submissions.create({ ...ASKED, ...CONFIRMED }))
    await work.end(await claimTask(store), COMPLETED)
    await control.confirm('default', confirmed, BY)
    await control.delete('default', confirmed, BY)
    const canceled = createdId(await submissions.create(ASKED))
    await control.cancel('default', canceled, { ...BY, name: 'key_two', address: '::1', requestId: null })
    const called = await endedTask(store, calledBack({}, { actedBy: BY }))
    const held = await takeDelivery(store)
    await outbox.settle(held, FAILED)
    await deliveries.redeliver('default', called, held.deliveryId, BY)
    const entries = await all()
    const nothing = { deliveryId: null, keyId: null, detail: null }
    const usual = {
      actor: 'key_one',
      address: '203.0.113.7',
      requestId: 'request-1',
      operation: 'test.run',
      ...nothing,
    }
    expect(entries.map(({ auditId: _, atMs: __, ...entry }) => entry)).toEqual([
      {
        ...usual,
        action: 'delivery.redeliver',
        taskId: called,
        operation: null,
        deliveryId: held.deliveryId,
      },
      { ...usual, action: 'task.create', taskId: called },
      {
        ...usual,
        action: 'task.cancel',
        taskId: canceled,
        actor: 'key_two',
        address: '::1',
        requestId: null,
      },
      { ...usual, action: 'task.create', taskId: canceled },
      { ...usual, action: 'task.delete', taskId: confirmed },
      { ...usual, action: 'task.confirm', taskId: confirmed },
      { ...usual, action: 'task.create', taskId: confirmed },
    ])
    expect(new Set(entries.map(({ auditId }) => auditId)).size).toBe(7)
    const now = await store.scripts.now()
    for (const { atMs } of entries) expect(Math.abs(now - atMs)).toBeLessThan(60_000)
  })

  test('of keys and secrets beside those on tasks, and what is no tenant’s apart', async () => {
    const { scripts, submissions, all, told } = scene()
    const keys = new ApiKeys(scripts)
    const sealer = new Sealer([randomBytes(32)])
    const [secrets, installation] = [
      new TenantSecrets(scripts, sealer),
      new InstallationKeys(scripts, sealer),
    ]
    const { key, keyId } = await keys.create({ tenant: 'default', scopes: ['admin', 'tasks:read'] }, BY)
    createdId(await submissions.create(ASKED))
    const held = [
      ...(await secrets.rotate('default', 1_000, BY)),
      ...(await secrets.rotate('default', 1_000, BY)),
    ]
    const pairs = await installation.rotate(undefined, BY)
    await keys.revoke(keyId, BY)
    expect((await told()).sort()).toEqual([
      'key.create',
      'key.revoke',
      'secret.rotate',
      'secret.rotate',
      'task.create',
    ])
    const ofKeys = (await all()).filter(({ action }) => action.startsWith('key'))
    expect(ofKeys.map(({ keyId: id, detail }) => [id, detail])).toEqual([
      [keyId, null],
      [keyId, 'admin tasks:read'],
    ])
    expect(await told('')).toEqual(['signing_key.rotate'])
    const kept = JSON.stringify([await all(), await all('')])
    for (const secret of [
      key,
      ...held.map((one) => one.secret),
      ...pairs.map(({ privateKey }) => privateKey.export({ format: 'jwk' }).d!),
    ]) {
      expect(kept).not.toContain(secret)
      expect(kept).not.toContain(secret.slice(6))
    }
  })

  test('in the step of the act: also if whoever asked never hears of it', async () => {
    const { store, prefix, told } = scene()
    const line = await startRedisProxy(inject('redisUrl'))
    const redis = connectForAnswers(line.url, store.log)
    const scripts = new Scripts(redis, prefix, store.jobs)
    const lost = new LostCreates(scripts, new TaskReader(scripts), 60_000, store.log)
    const submissions = new Submissions(scripts, lost)
    onTestFinished(async () => {
      await line.set('open')
      await lost.close()
      redis.disconnect()
      await line.close()
    })
    await until(async () => redis.status === 'ready')
    await scripts.now()
    await line.set('mute')
    const refused = submissions.create(ASKED).catch((error) => error)
    await until(async () => (await told()).length > 0)
    await line.set('shut')
    line.cut()
    expect(await refused).toBeInstanceOf(StoreUnavailable)
    expect(await told()).toEqual(['task.create'])
    // Once the line is back the service takes it back, and says so.
    await line.set('open')
    await until(async () => (await told()).length > 1)
    const [withdrawn, created] = (await new AuditTrail(store.scripts).list('default', {}, 10)).entries
    expect(created).toMatchObject({ action: 'task.create', actor: 'key_one' })
    expect(withdrawn).toMatchObject({
      action: 'task.withdraw',
      actor: 'service',
      address: null,
      requestId: 'request-1',
      taskId: created!.taskId,
    })
  })

  test('also while Redis is full, if it is one that a full Redis allows', async () => {
    const own = await startLocalRedis()
    onTestFinished(() => own.stop())
    const { store, submissions, control, redis, told, scripts } = scene({ url: own.url })
    const ended = await endedTask(store, ASKED)
    const open = createdId(await submissions.create(ASKED))
    const keys = new ApiKeys(scripts)
    const { keyId } = await keys.create({ tenant: 'default', scopes: ['admin'] })
    await redis.config('SET', 'maxmemory', '1')
    expect(await control.cancel('default', open, BY)).toMatchObject({ outcome: 'canceled' })
    expect(await control.delete('default', ended, BY)).toEqual({ outcome: 'deleted' })
    expect(await keys.revoke(keyId, BY)).toBe(true)
    await expect(submissions.create(ASKED)).rejects.toThrow(StoreUnavailable)
    await redis.config('SET', 'maxmemory', '0')
    expect((await told()).sort()).toEqual([
      'key.revoke',
      'task.cancel',
      'task.create',
      'task.create',
      'task.delete',
    ])
  })
})

describe('nothing is noted', () => {
  test('of what is refused, and of what changes nothing', async () => {
    const { store, submissions, control, deliveries, scripts, work, told, redis } = scene()
    const idempotency = { key: 'k', fingerprint: 'a' }
    const open = createdId(await submissions.create({ ...ASKED, idempotency }))
    for (const changes of [
      { idempotency },
      { idempotency: { ...idempotency, fingerprint: 'b' } },
      { maxQueue: 0 },
      { maxBacklog: 1 },
    ]) {
      expect((await submissions.create({ ...ASKED, ...changes })).outcome).not.toBe('created')
    }
    for (const id of [open, newId()]) {
      for (const tenant of ['default', 'another']) {
        await control.confirm(tenant, id, BY)
        await control.delete(tenant, id, BY)
        await deliveries.redeliver(tenant, id, newId(), BY)
        if (id !== open || tenant !== 'default') await control.cancel(tenant, id, BY)
      }
    }
    expect(await told()).toEqual(['task.create'])
    // Canceled twice: once.
    await work.step(await claimTask(store), 'one', 'undoable', '1')
    await control.cancel('default', open, BY)
    expect((await control.cancel('default', open, BY)).outcome).toBe('canceling')
    const ended = await endedTask(store)
    await control.cancel('default', ended, BY)
    await control.confirm('default', ended, BY)
    await control.delete('default', ended)
    await control.cancel('default', ended, BY)
    await control.confirm('default', ended, BY)
    await control.delete('default', ended, BY)
    const late = Math.floor(await scripts.now()) - 1
    await scripts.run('cancel', 0, ['default', open, late, 1_000, '10 a\u001f\u001f'])
    expect(await new ApiKeys(scripts).revoke(`key_${'a'.repeat(16)}`, BY)).toBe(false)
    expect(await told()).toEqual(['task.cancel', 'task.create'])
    expect(await told('another')).toEqual([])
    expect(await redis.keys(`${store.prefix}:*audit:*`)).toEqual([`${scripts.prefixOf(0)}audit:default`])
  })

  test('of what time does: deadlines, windows that close, expiry', async () => {
    const { store, submissions, upkeep, reader, work, told } = scene({ retentionMs: 1_000 })
    const limits = { ...ASKED.limits, totalMs: 1_000 }
    const late = createdId(await submissions.create({ ...ASKED, limits }))
    const unconfirmed = createdId(await submissions.create({ ...ASKED, ...CONFIRMED, lane: 'other' }))
    await work.end((await work.claim(0, 'other'))!, COMPLETED)
    await passTime(store, 70_000)
    await upkeep.tick(0, ['test', 'other'], terms({ retentionMs: 1_000 }))
    for (const id of [late, unconfirmed]) {
      expect(await reader.read('default', id)).toMatchObject({ task: { status: 'canceled' } })
    }
    await passTime(store, 130_000)
    await until(async () => {
      await upkeep.tick(0, ['test', 'other'], terms())
      return (await reader.read('default', late)).outcome === 'gone'
    })
    expect(await told()).toEqual(['task.create', 'task.create'])
  })
})

test('a trail keeps the newest entries, about as many as it is told', async () => {
  const { submissions, redis, scripts, told, all } = scene()
  const actedBy = { ...BY, kept: 200 }
  for (let n = 0; n < 20; n += 1) {
    await Promise.all(Array.from({ length: 50 }, () => submissions.create({ ...ASKED, actedBy })))
  }
  const length = await redis.xlen(`${scripts.prefixOf(0)}audit:default`)
  expect(length).toBeGreaterThanOrEqual(200)
  expect(length).toBeLessThanOrEqual(300)
  const last = createdId(await submissions.create({ ...ASKED, actedBy }))
  expect((await all())[0]).toMatchObject({ taskId: last })
  // One that drops none: of which there are few.
  await submissions.create({ ...ASKED, actedBy: { ...BY, kept: Number.POSITIVE_INFINITY } })
  expect((await told()).length).toBe(200)
})

describe('a list', () => {
  /** A trail with entries in both of its parts, many of them of the same millisecond. */
  async function long() {
    const made = scene()
    const keys = new ApiKeys(made.scripts)
    const noteSome = async () => {
      await Promise.all([
        ...Array.from({ length: 40 }, () => made.submissions.create(ASKED)),
        ...Array.from({ length: 10 }, () => keys.create({ tenant: 'default', scopes: ['admin'] }, BY)),
      ])
    }
    for (let n = 0; n < 5; n += 1) await noteSome()
    const pages = async (limit: number, filter: AuditFilter = {}, between = async () => {}) => {
      const ids: string[] = []
      let after: AuditPlace | undefined
      do {
        const { entries, next } = await made.trail.list('default', filter, limit, after)
        expect(entries.length).toBeLessThanOrEqual(limit)
        ids.push(...entries.map(({ auditId }) => auditId))
        after = next ?? undefined
        await between()
      } while (after)
      return ids
    }
    return { ...made, noteSome, pages }
  }

  test('goes from page to page without gap or repetition, while entries are added', async () => {
    const { all, pages, noteSome, trail } = await long()
    const whole = (await trail.list('default', {}, 1_000)).entries
    expect(whole).toHaveLength(250)
    const times = whole.map(({ atMs }) => atMs)
    expect(times).toEqual([...times].sort((a, b) => b - a))
    const ids = whole.map(({ auditId }) => auditId)
    for (const limit of [1, 7, 249, 250, 251]) expect(await pages(limit)).toEqual(ids)
    expect(await pages(60, {}, noteSome)).toEqual(ids)
    expect((await all()).length).toBe(200)
  })

  test('may be of one action, one task and a time', async () => {
    const { all, pages, trail, control } = await long()
    const whole = (await trail.list('default', {}, 1_000)).entries
    const idsOf = (filter: (entry: (typeof whole)[number]) => boolean) =>
      whole.filter(filter).map(({ auditId }) => auditId)
    expect(await pages(7, { action: 'key.create' })).toEqual(idsOf(({ keyId }) => keyId !== null))
    for (const at of [whole[0]!, whole[100]!, whole.at(-1)!]) {
      expect(await pages(30, { afterMs: at.atMs })).toEqual(idsOf(({ atMs }) => atMs > at.atMs))
      expect(await pages(30, { beforeMs: at.atMs })).toEqual(idsOf(({ atMs }) => atMs < at.atMs))
    }
    const { taskId } = whole.find((entry) => entry.taskId)!
    await control.cancel('default', taskId!, BY)
    const ofTask: AuditAction[] = (await all('default', { taskId: taskId! })).map(({ action }) => action)
    expect(ofTask).toEqual(['task.cancel', 'task.create'])
    expect(await all('default', { taskId: taskId!, action: 'task.cancel' })).toHaveLength(1)
    for (const none of [
      { taskId: newId() },
      { action: 'task.delete' as const },
      { beforeMs: -1 },
      { beforeMs: 0 },
      { afterMs: 253_402_300_799_999 },
    ]) {
      expect(await all('default', none)).toEqual([])
    }
    expect(
      await all('default', { afterMs: -62_135_596_800_000, beforeMs: 253_402_300_799_999 }),
    ).toHaveLength(200)
    expect(await all('another')).toEqual([])
  })

  test('that goes on where entries were dropped meanwhile is at its end', async () => {
    const { trail, redis, scripts } = await long()
    const { next } = await trail.list('default', {}, 200)
    for (const prefix of [scripts.prefixOf(0), scripts.secretsPrefix]) {
      await redis.xtrim(`${prefix}audit:default`, 'MAXLEN', 1)
    }
    expect(await trail.list('default', {}, 200, next!)).toEqual({ entries: [], next: null })
  })

  test('that has little to tell leads on, and no call looks at more than 500 entries of a part', async () => {
    const { submissions, control, trail, scripts, pages } = await long()
    const first = createdId(await submissions.create(ASKED))
    await control.cancel('default', first, BY)
    for (let n = 0; n < 22; n += 1) {
      await Promise.all(Array.from({ length: 100 }, () => submissions.create(ASKED)))
    }
    const run = vi.spyOn(scripts, 'run')
    const rare = await trail.list('default', { action: 'task.cancel' }, 200)
    expect(rare).toEqual({ entries: [], next: expect.objectContaining({ part: 't' }) })
    expect(run.mock.calls.map(([name, , args]) => [name, args[5]])).toEqual([['list-audit', 500]])
    expect(await pages(200, { action: 'task.cancel' })).toHaveLength(1)
    expect(await pages(1, { taskId: first })).toHaveLength(2)
    const whole = (await trail.list('default', {}, 5_000)).entries
    for (const action of ['key.create', 'task.create'] as const) {
      const ids = whole.filter((entry) => entry.action === action).map(({ auditId }) => auditId)
      expect(await pages(7, { action })).toEqual(ids)
    }
  })
})
