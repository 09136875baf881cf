import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ApiKeys } from '../keys/api-keys.ts'
import { TenantLimits } from '../limits/tenant-limits.ts'
import { InstallationKeys } from '../secrets/installation-keys.ts'
import { Sealer } from '../secrets/sealer.ts'
import { TenantSecrets } from '../secrets/tenant-secrets.ts'
import {
  COMPLETED,
  calledBack,
  claimTask,
  contentsOf,
  createdId,
  DELIVERED,
  FAILED,
  loseWorker,
  passTime,
  RETRY,
  submission,
  takeDelivery,
  terms,
  testStore,
} from '../testing/index.ts'
import { SCRIPT_SOURCES } from './scripts.ts'

const CHANGED = `What stands in Redis has another layout than store/layout.txt tells. During a rolling upgrade, and after a
roll-back, programs of the last release read and write it, too: docs/upgrading.md. If it is a new field of a hash that they may
leave as it is, write it into that file. If it is anything else, it is a new format: the last release has to read it before this
one may write it.`

/** Compact values whose parts matter; of all others only their names do. */
const COMPACT = /^(fixed|callback|format|drained|act|by|on|attempt:N|step:\w+)$/
/** What is told apart: neither ids nor times, but the parts that a name or a compact value has. */
function shape(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID')
    .replaceAll('https://shop.example', 'ORIGIN')
    .replace(/^key:default:.{27}$/, 'key:default:DIGEST')
    .replaceAll(/key_[\w-]{16}/g, 'KEY')
    .replaceAll('\u001f', '|')
    .replaceAll(/\b\d+\b/g, 'N')
}

function fieldShape(field: string, value: string): string {
  const name = shape(field)
  if (!COMPACT.test(name)) return name
  return `${name} = ${name.startsWith('step:') ? value[0] : shape(value).replace(/\{.*\}/, 'JSON')}`
}

/** Adds the shapes of all that a prefix keeps now. */
async function look(
  { redis, scripts }: Pick<ReturnType<typeof testStore>, 'redis' | 'scripts'>,
  seen: Map<string, Set<string>>,
): Promise<void> {
  const contents = await contentsOf({ redis, scripts })
  for (const prefix of [scripts.prefixOf(0), scripts.secretsPrefix]) {
    for (const key of await redis.keys(`${prefix}*`)) {
      const name = key.slice(prefix.length)
      if (name.startsWith('bull:')) continue
      const type = await redis.type(key)
      const parts = await partsOf(key, name, type)
      const place = `${shape(name)} ${type}`
      if (!seen.has(place)) seen.set(place, new Set())
      for (const part of parts) seen.get(place)!.add(part)
    }
  }

  async function partsOf(key: string, name: string, type: string): Promise<string[]> {
    if (name.startsWith('tomb:')) {
      const [[field], [value]] = [await redis.hkeysBuffer(key), await redis.hvalsBuffer(key)]
      return [`${field!.length} bytes = ${value!.length} bytes`]
    }
    if (/^(open|done):/.test(name)) {
      const flat = contents.text(name.slice(5)).split('\u001f')
      return pairs(flat).map(([field, value]) => fieldShape(field, value))
    }
    switch (type) {
      case 'hash':
        return Object.entries(await redis.hgetall(key)).map(([field, value]) => fieldShape(field, value))
      case 'zset':
        return (await redis.zrange(key, '0', '-1')).map(shape)
      case 'set':
        return (await redis.smembers(key)).map(shape)
      case 'stream':
        return (await redis.xrange(key, '-', '+')).flatMap(([, entry]) =>
          pairs(entry).map(([field, value]) => fieldShape(field, value)),
        )
      case 'list':
        return (await redis.lrange(key, 0, -1)).map(shape)
      default:
        return [shape((await redis.get(key))!)]
    }
  }
}

function pairs(flat: string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at]!, flat[2 * at + 1]!])
}

test('the layout of what stands in Redis changes on purpose only', async () => {
  const store = testStore()
  const { work, control, outbox, deliveries, upkeep, submissions, scripts } = store
  const seen = new Map<string, Set<string>>()
  const usual = calledBack({
    events: ['started', 'progress', 'awaiting_confirmation', 'completed', 'canceled'],
  })
  const limits = { ...usual.limits, startMs: 50_000, totalMs: 90_000, confirmMs: 40_000 }
  const create = async (changes = {}) => createdId(await submissions.create({ ...usual, ...changes }))
  const seenNow = () => look(store, seen)

  const sealer = new Sealer([randomBytes(32)])
  await new TenantSecrets(scripts, sealer).of('default')
  await new InstallationKeys(scripts, sealer).all()
  const keys = new ApiKeys(scripts)
  const by = { name: 'key_one', address: '::1', requestId: 'request', kept: 100 }
  const { keyId } = await keys.create({ tenant: 'default', scopes: ['tasks:read'], lifetimeMs: 60_000 }, by)
  await keys.noteUse([keyId])
  await new TenantLimits(scripts).set('default', {
    requests: 1,
    waiting: 1,
    running: 1,
    stored: 1,
    weight: 1,
  })
  await upkeep.heartbeat(0, 'worker', { test: 2, callbacks: 2 }, 60_000, 2)

  // Waits, runs, is lost twice, is undone, ends.
  const taskId = await create({ limits, idempotency: { key: 'k', fingerprint: 'f' }, actedBy: by })
  await seenNow()
  let claim = await claimTask(store)
  await work.progress(claim, 7)
  await work.step(claim, 'one', 'begun_undoable')
  await seenNow()
  await loseWorker(store, taskId)
  claim = await claimTask(store)
  await work.step(claim, 'one', 'begun_undoable')
  await seenNow()
  await loseWorker(store, taskId)
  await seenNow()
  claim = await claimTask(store)
  await work.step(claim, 'one', 'begun_undoable')
  await work.step(claim, 'one', 'failed')
  await seenNow()
  await work.step(claim, 'one', 'begun_undoable')
  await work.step(claim, 'one', 'undoable', '1')
  await work.step(claim, 'two', 'begun')
  await seenNow()
  await work.step(claim, 'two', 'finished', '2')
  await control.cancel('default', taskId)
  const settled = await work.end(claim, COMPLETED)
  if (settled.outcome !== 'undo') throw new Error(settled.outcome)
  await work.step(settled.claim, 'one', 'reverting')
  await work.retry(settled.claim, 0, null)
  await seenNow()
  await upkeep.tick(0, ['test', 'callbacks'], terms())
  claim = await claimTask(store)
  await work.step(claim, 'one', 'reverted')
  await seenNow()
  await work.end(claim, COMPLETED)
  // Is confirmed; fails, with and without words of its own.
  const confirmed = await create({ limits })
  await work.end(await claimTask(store), { ...COMPLETED, resource: '/things/1' })
  await seenNow()
  await control.confirm('default', confirmed)
  // There is no room for one more, since all that ended is still told.
  await new TenantLimits(scripts).set('default', { stored: 5_000, waiting: 2 })
  const quotas = { waiting: 0, storedBytes: 0, tombstoneMs: 60_000 }
  const open = createdId(await submissions.create(submission()))
  expect((await submissions.create({ ...usual, quotas })).outcome).toBe('over_quota')
  // What was passed since it was open can go once it has ended.
  await control.cancel('default', open)
  await seenNow()
  for (let n = 0; n < 2; n += 1) await create({ limits: usual.limits })
  for (const error of [{ code: 'no', message: 'No.' }, null]) {
    const { steps } = usual.head
    claim = await claimTask(store)
    await seenNow()
    await work.step(claim, steps[0]!, 'begun')
    await work.end(claim, {
      ...COMPLETED,
      status: 'failed',
      reason: 'permanent_error',
      error: error as never,
    })
  }
  await seenNow()

  // Messages come through, are tried again, fail, and are recovered; a receiver is shut.
  await outbox.settle(await takeDelivery(store), DELIVERED)
  const again = await takeDelivery(store)
  await seenNow()
  await deliveries.redeliver('default', again.task.taskId, again.deliveryId, by)
  await seenNow()
  await outbox.settle(again, RETRY)
  await outbox.settle(await takeDelivery(store), FAILED)
  await deliveries.recover('default', 'recovery', { sinceMs: 0, untilMs: 9e15 }, 100)
  await seenNow()
  for (let n = 0; n < 6; n += 1) {
    const held = await outbox.take(0)
    if (held) await outbox.settle(held, n % 2 ? FAILED : RETRY)
    await seenNow()
  }

  // A tenant at its running cap waits beside the suspects.
  const poison = await create({ limits: usual.limits })
  for (let loss = 1; loss <= 2; loss += 1) {
    await claimTask(store)
    await loseWorker(store, poison)
  }
  await store.redis.hset(`${scripts.prefixOf(0)}limits`, { 'default running': 1, 'default weight': 2 })
  for (let n = 1; n <= 2; n += 1) await create({ limits: usual.limits })
  for (let n = 1; n <= 2; n += 1) await claimTask(store)
  expect(await work.claim(0, 'test')).toBeNull()
  await seenNow()

  // Only a tombstone is left.
  await control.delete('default', confirmed)
  await passTime(store, 1_000)
  await seenNow()

  const layout = [...seen].flatMap(([place, parts]) => [...parts].map((part) => `${place}: ${part}`))
  // A tombstone holds the place of its ending among these.
  const [, names] = /local ENDINGS = \{(.*?)\}/s.exec(SCRIPT_SOURCES.get('read')!)!
  const endings = [...names!.matchAll(/'(\w+:\w*)',/g)].map(([, ending], at) => `ending ${at + 1}: ${ending}`)
  const text = [...layout.sort(), ...endings].map((line) => `${line.trimEnd()}\n`).join('')
  expect(text, CHANGED).toBe(readFileSync(new URL('layout.txt', import.meta.url), 'utf8'))
})
