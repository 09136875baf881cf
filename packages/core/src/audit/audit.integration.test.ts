import { randomBytes } from 'node:crypto'
import { startLocalRedis } from '@accepted/local-redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  ApiKeys,
  AuditTrail,
  InstallationKeys,
  newId,
  Sealer,
  StoreUnavailable,
  TenantSecrets,
} from '../index.ts'
import { ASKED, auditScene, BY } from '../testing/audit-scene.ts'
import {
  COMPLETED,
  calledBack,
  claimTask,
  createdId,
  distantProcess,
  endedTask,
  FAILED,
  passTime,
  takeDelivery,
  terms,
  until,
} from '../testing/index.ts'

/** What a task of the scene's lane awaits its client's word with. */
const CONFIRMED = { limits: { ...ASKED.limits, confirmMs: 60_000 } }

describe('an act is noted', () => {
  test('with who did it, from where, in which request, when, and to what', async () => {
    const { store, submissions, control, deliveries, work, outbox, all } = auditScene()
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
    const { scripts, submissions, all, told } = auditScene()
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
    const { store, told } = auditScene()
    const { line, submissions } = await distantProcess(store)
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
    const { store, submissions, control, redis, told, scripts } = auditScene({ url: own.url })
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
    const { store, submissions, control, deliveries, scripts, work, told, redis } = auditScene()
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
    const { store, submissions, upkeep, reader, work, told } = auditScene({ retentionMs: 1_000 })
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
  const { submissions, redis, scripts, told, all } = auditScene()
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
