import { expect, test } from 'vitest'
import { createLog } from '../log/log.ts'
import { connectForAnswers } from '../redis.ts'
import { createdId, freshPrefix, submission, testStore } from '../testing/index.ts'
import { StoreUnavailable } from './outage.ts'
import { Scripts } from './scripts.ts'

test('all keys of a shard share one hash tag', async () => {
  const { redis, prefix, scripts, submissions, work } = testStore()
  createdId(await submissions.create(submission({ idempotency: { key: 'k', fingerprint: 'f' } })))
  await work.end((await work.claim(0, 'test'))!, {
    status: 'completed',
    reason: null,
    result: '1',
    resource: null,
    error: null,
  })
  const keys = await redis.keys(`${prefix}*`)
  expect(keys.length).toBeGreaterThan(5)
  for (const key of keys) expect(key.startsWith(scripts.prefixOf(0)), key).toBe(true)
})

test('scripts that Redis has forgotten are sent again', async () => {
  const { redis, submissions, reader } = testStore()
  createdId(await submissions.create(submission()))
  await redis.script('FLUSH')
  const taskId = createdId(await submissions.create(submission()))
  expect(await reader.read('default', taskId)).toMatchObject({ outcome: 'task' })
})

test('a Redis that is not there is an outage, told at once', async () => {
  const log = createLog('test', 'silent')
  const redis = connectForAnswers('redis://127.0.0.1:1', log)
  const scripts = new Scripts(redis, freshPrefix(), null)
  await expect(scripts.run('read', 0, [])).rejects.toBeInstanceOf(StoreUnavailable)
  redis.disconnect()
})

test('a fault in a script is no outage', async () => {
  const { scripts } = testStore()
  const fault = await scripts.run('read', 0, ['tenant-without-id']).catch((error) => error)
  expect(fault).toBeInstanceOf(Error)
  expect(fault).not.toBeInstanceOf(StoreUnavailable)
})
