import { setTimeout as pause } from 'node:timers/promises'
import { startLocalRedis } from '@accepted/local-redis'
import { expect, onTestFinished, test } from 'vitest'
import { newId } from '../ids.ts'
import { createdId, submission, testStore } from '../testing/index.ts'
import { Scripts } from './scripts.ts'
import { fingerprintOf, Submissions } from './submissions.ts'

test('a created task is read as it was sent, waits in its lane, and has a job', async () => {
  const { submissions, reader, jobs, upkeep } = testStore()
  const outcome = await submissions.create(submission({ body: '{"z":1.0,"a":[]}' }))
  const taskId = createdId(outcome)
  expect(await reader.read('default', taskId)).toEqual({
    outcome: 'task',
    task: (outcome as { task: unknown }).task,
    position: 0,
  })
  expect(await upkeep.laneState(0, 'test')).toMatchObject({ waiting: 1, running: 0, claimable: 1 })
  await expect.poll(() => jobs.waiting(0, 'test')).toBe(1)
})

test('another tenant does not see it', async () => {
  const { submissions, reader } = testStore()
  const taskId = createdId(await submissions.create(submission({ tenant: 'ours' })))
  expect(await reader.read('theirs', taskId)).toEqual({ outcome: 'unknown' })
  expect(await reader.read('ours', newId())).toEqual({ outcome: 'unknown' })
  expect((await reader.list('theirs', {}, 10)).tasks).toEqual([])
})

test('each create of a batch has an outcome of its own', async () => {
  const { submissions } = testStore()
  const key = { key: 'k', fingerprint: 'a' }
  const outcomes = await Promise.all([
    submissions.create(submission({ idempotency: key })),
    submissions.create(submission({ idempotency: key })),
    submissions.create(submission({ idempotency: { key: 'k', fingerprint: 'b' } })),
    submissions.create(submission({ idempotency: key, tenant: 'another' })),
    submissions.create(submission({ maxQueue: 1 })),
    submissions.create(submission({ maxBacklog: 2 })),
  ])
  expect(outcomes.map(({ outcome }) => outcome)).toEqual([
    'created',
    'exists',
    'conflict',
    'created',
    'backlog_full',
    'backlog_full',
  ])
  expect(outcomes[1]).toEqual({ outcome: 'exists', taskId: createdId(outcomes[0]!) })
  expect(outcomes[5]).toEqual({ outcome: 'backlog_full', waiting: 2 })
})

test('two hundred creates under one key, over two connections, make one task', async () => {
  const one = testStore()
  const other = testStore()
  const elsewhere = new Submissions(new Scripts(other.redis, one.prefix, one.jobs))
  const idempotency = { key: 'same', fingerprint: 'f' }
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      (n % 2 ? elsewhere : one.submissions).create(submission({ idempotency })),
    ),
  )
  expect(outcomes.filter(({ outcome }) => outcome === 'created')).toHaveLength(1)
  expect(outcomes.filter(({ outcome }) => outcome === 'exists')).toHaveLength(199)
  expect((await one.reader.list('default', {}, 10)).tasks).toHaveLength(1)
})

test('a create that reaches Redis after its time is refused and leaves nothing', async () => {
  const { scripts, redis, prefix, reader } = testStore()
  const now = Math.floor(await scripts.now())
  const create = async (acceptBy: number) => {
    const place = [newId(), 'default', 'test.run', 'test', 3]
    const terms = [acceptBy, 10, 10, 'key', 'print', 1000, '2,3,1000,0,0', 0, 0]
    return (await scripts.run('create', 0, [...place, ...terms, '{}', '', '', ''])).answer
  }
  expect(await create(now - 1)).toEqual([['late']])
  expect(await redis.keys(`${prefix}:*`)).toEqual([`${scripts.prefixOf(0)}format`])
  expect((await reader.list('default', {}, 10)).tasks).toEqual([])
  expect(await create(now + 60_000)).toEqual([['created', 0]])
})

test('creates that were refused while Redis stood still do not come alive when it goes on', async () => {
  const own = await startLocalRedis()
  onTestFinished(() => own.stop())
  const { submissions, reader } = testStore({ url: own.url })
  createdId(await submissions.create(submission()))
  process.kill(own.pid, 'SIGSTOP')
  const refused = Promise.allSettled(Array.from({ length: 200 }, () => submissions.create(submission())))
  await pause(1_100)
  process.kill(own.pid, 'SIGCONT')
  for (const outcome of await refused) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } })
  }
  expect((await reader.list('default', {}, 10)).tasks).toHaveLength(1)
})

test('a Redis that lost its scripts and has no memory left is away, for each of many that ask at once', async () => {
  const own = await startLocalRedis()
  onTestFinished(() => own.stop())
  const store = testStore({ url: own.url })
  createdId(await store.submissions.create(submission()))
  await store.redis.config('SET', 'maxmemory', '1')
  await store.redis.script('FLUSH')
  const asked = Array.from({ length: 100 }, () => store.submissions.create(submission()))
  for (const outcome of await Promise.allSettled(asked)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } })
  }
  await store.redis.config('SET', 'maxmemory', '0')
  expect(await store.submissions.create(submission())).toMatchObject({ outcome: 'created' })
})

test('the same request has the same fingerprint whatever the order of its members', () => {
  const request = { method: 'POST', path: '/cars', options: {} }
  const print = (body: unknown) => fingerprintOf({ ...request, body })
  expect(print({ a: 1, b: { c: [1, 2], d: null } })).toBe(print({ b: { d: null, c: [1, 2] }, a: 1 }))
  for (const body of [{ a: 1, b: { c: [2, 1], d: null } }, { a: '1' }, {}, null, [], { a: 1 }]) {
    expect(print(body)).not.toBe(print({ a: 1, b: { c: [1, 2], d: null } }))
  }
})
