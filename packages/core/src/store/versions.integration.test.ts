import { describe, expect, test } from 'vitest'
import {
  COMPLETED,
  calledBack,
  claimTask,
  contentsOf,
  createdId,
  createTask,
  endedTask,
  newerScripts,
  passTime,
  readTask,
  scriptsOfFormats,
  submission,
  type TestStore,
  takeDelivery,
  terms,
  testStore,
} from '../testing/index.ts'
import { NewerFormat, StoreUnavailable } from './outage.ts'
import { SCRIPT_SOURCES, type ScriptName, Scripts } from './scripts.ts'

/** All that a store keeps, byte by byte. */
async function bytesOf({ redis, prefix }: TestStore): Promise<Map<string, string>> {
  const keys = (await redis.keys(`${prefix}:*`)).sort()
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
  return new Map(keys.map((key, at) => [key, dumps[at]!.toString('hex')]))
}

/** A task in every state, and deliveries, by a newer program. */
async function writtenByNewer(): Promise<TestStore & { running: string; tasks: string[] }> {
  const store = testStore({ sources: newerScripts({ read: 2, written: 2 }) })
  const limits = { ...submission().limits, confirmMs: 60_000 }
  const gone = await endedTask(store)
  await passTime(store, 200_000)
  await store.upkeep.tick(0, [], terms())
  const awaiting = await createTask(store, { limits })
  await store.work.end(await claimTask(store), COMPLETED)
  const canceling = await createTask(store)
  const claim = await claimTask(store)
  await store.work.step(claim, 'one', 'undoable', '1')
  await store.control.cancel('default', canceling)
  const ended = await endedTask(store)
  await takeDelivery(store)
  const running = await createTask(store)
  await store.work.step(await claimTask(store), 'one', 'finished', '1')
  const pending = createdId(await store.submissions.create(calledBack()))
  return { ...store, running, tasks: [gone, awaiting, canceling, ended, running, pending] }
}

describe('what a newer program wrote in a format that this one does not know', () => {
  test('is neither read nor changed by any script, and the refusal says why', async () => {
    const newer = await writtenByNewer()
    const { redis, scripts } = testStore({ prefix: newer.prefix })
    await redis.set(`${scripts.secretsPrefix}format`, 2)
    const before = await bytesOf(newer)
    for (const name of SCRIPT_SOURCES.keys()) {
      for (const run of [() => scripts.run(name, 0, []), () => scripts.runOnSecrets(name, [])]) {
        const refusal = await run().catch((error) => error)
        expect(refusal, name).toBeInstanceOf(NewerFormat)
        expect(refusal.message).toBe('the data in Redis is of format 2, this program knows 1: upgrade it')
      }
    }
    expect(await bytesOf(newer)).toEqual(before)
  })

  test('stays as it is while clients, workers and time ask an outdated program for it', async () => {
    const newer = await writtenByNewer()
    const older = testStore({ prefix: newer.prefix })
    const claim = { task: await readTask(newer, newer.running), token: '1', undos: 0 }
    const before = await bytesOf(newer)
    const acts: (() => Promise<unknown>)[] = [
      ...newer.tasks.flatMap((id) => [
        () => older.reader.read('default', id),
        () => older.control.cancel('default', id),
        () => older.control.confirm('default', id),
        () => older.control.delete('default', id),
        () => older.deliveries.of('default', id),
      ]),
      () => older.reader.list('default', {}, 10),
      () => older.submissions.create(submission()),
      () => older.work.claim(0, 'test'),
      () => older.work.renew([claim]),
      () => older.work.step(claim, 'two', 'begun'),
      () => older.work.end(claim, COMPLETED),
      () => older.work.release(claim),
      () => older.outbox.take(0),
      () => older.upkeep.tick(0, ['test'], terms()),
      () => older.upkeep.laneState(0, 'test'),
    ]
    for (const act of acts) {
      const refusal = await act().catch((error) => error)
      expect(refusal, String(act)).toBeInstanceOf(NewerFormat)
      expect(refusal).toBeInstanceOf(StoreUnavailable)
    }
    expect(await bytesOf(newer)).toEqual(before)
  })

  test('is gone on with by a newer one', async () => {
    const newer = await writtenByNewer()
    await expect(testStore({ prefix: newer.prefix }).work.claim(0, 'test')).rejects.toThrow(NewerFormat)
    expect(await newer.work.claim(0, 'test')).toMatchObject({ token: '1' })
  })
})

describe('the format of a shard', () => {
  const formatOf = ({ redis, scripts }: TestStore) => redis.get(`${scripts.prefixOf(0)}format`)

  test('is told by the first script that writes, and never falls', async () => {
    const store = testStore()
    await store.reader.list('default', {}, 10)
    expect(await formatOf(store)).toBe(null)
    await createTask(store)
    expect(await formatOf(store)).toBe('1')
    const newer = testStore({ prefix: store.prefix, sources: scriptsOfFormats({ read: 2, written: 2 }) })
    await newer.reader.list('default', {}, 10)
    expect(await formatOf(store)).toBe('1')
    await createTask(newer)
    expect(await formatOf(store)).toBe('2')
    const between = testStore({ prefix: store.prefix, sources: scriptsOfFormats({ read: 2, written: 1 }) })
    await createTask(between)
    expect(await formatOf(store)).toBe('2')
  })

  test('is raised in the same step by whichever script writes', async () => {
    for (const [name, source] of SCRIPT_SOURCES) {
      if (source.startsWith('#!lua flags=no-writes')) continue
      const store = testStore()
      const scripts = new Scripts(store.redis, store.prefix, null)
      // Without arguments many end by a fault, after the format was told.
      await scripts.run(name as ScriptName, 0, []).catch(() => undefined)
      expect(await formatOf(store), name).toBe('1')
    }
  })

  test('is told by each record, also once it has ended', async () => {
    const store = testStore()
    const ended = await endedTask(store)
    const open = await createTask(store)
    const contents = await contentsOf(store)
    expect([ended, open].map((id) => contents.field(id, 'format'))).toEqual(['1', '1'])
  })
})
