import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectForWork, createLog, Scripts } from '@accepted/core'
import { passTime, until } from '@accepted/core/testing'
import { startLocalRedis } from '@accepted/local-redis'
import { respond, startReceiver } from '@accepted/worker/callbacks/testing/receiver'
import { expect, onTestFinished, test } from 'vitest'
import { type Stack, startStack } from './stack.ts'

const MUSTANG = { brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }

interface Task {
  task_id: string
  status: string
  reason: string | null
  workflow: Record<string, string>
}

async function redisIn(dataDir: string) {
  const redis = await startLocalRedis({ dataDir })
  onTestFinished(() => redis.stop())
  return redis
}

async function ownFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'accepted-restore-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** Saves what a Redis at work holds into its data folder, all as of one moment: what `redis-cli --rdb` fetches, too. */
async function backUp(url: string, dataDir: string): Promise<string> {
  const redis = connectForWork(url, createLog('test', 'silent'))
  try {
    await redis.bgsave()
    const done = /^rdb_bgsave_in_progress:0[\s\S]*^rdb_last_bgsave_status:ok/m
    await until(async () => done.test(await redis.info('persistence')))
    return join(dataDir, 'dump.rdb')
  } finally {
    redis.disconnect()
  }
}

/** As if it had taken so long to restore it. */
async function passMinutes(url: string, prefix: string, minutes: number): Promise<void> {
  const redis = connectForWork(url, createLog('test', 'silent'))
  await passTime({ redis, scripts: new Scripts(redis, prefix, null) }, minutes * 60_000)
  redis.disconnect()
}

/** Lays a backup into an empty data folder, as docs/operations.md has it. */
async function restore(backup: string, dataDir: string): Promise<void> {
  const folder = join(dataDir, 'appendonlydir')
  await mkdir(folder)
  await copyFile(backup, join(folder, 'appendonly.aof.1.base.rdb'))
  await writeFile(join(folder, 'appendonly.aof.manifest'), 'file appendonly.aof.1.base.rdb seq 1 type b\n')
}

async function order({ ask }: Stack, body: object, headers: Record<string, string> = {}): Promise<string> {
  const answer = await ask('/cars', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...MUSTANG, ...body }),
  })
  expect(answer.status).toBe(202)
  return ((await answer.json()) as Task).task_id
}

async function read({ ask }: Stack, taskId: string): Promise<Task> {
  return (await (await ask(`/tasks/${taskId}`)).json()) as Task
}

async function deliveriesOf({ ask }: Stack, taskId: string) {
  const answer = await ask(`/tasks/${taskId}/deliveries`)
  return (await answer.json()) as { delivery_id: string; attempts: unknown[] }[]
}

const webhookIds = (requests: string[], taskId: string) =>
  requests
    .filter((request) => request.includes(taskId))
    .map((request) => /^webhook-id: (\S+)/im.exec(request)![1])

test('a stack that is restored from a backup goes on with all that it had been asked by then', async () => {
  const [before, after] = [await ownFolder(), await ownFolder()]
  const first = await redisIn(before)
  let reachable = true
  const receiver = await startReceiver((socket) => respond(reachable ? '200 OK' : '500 No')(socket))
  const callback_url = `http://127.0.0.1:${receiver.port}/`
  const environment = { CAR_STEP_MS: '500', CALLBACK_SCHEDULE: '1s,1h' }
  const stack = await startStack({ redisUrl: first.url, environment })

  const told = await order(stack, { callback_url }, { 'idempotency-key': 'told' })
  await until(async () => webhookIds(receiver.requests, told).length === 1)
  reachable = false
  const untold = await order(stack, { callback_url })
  const tried = await until(async () => {
    const [delivery] = await deliveriesOf(stack, untold)
    return delivery?.attempts.length === 2 && delivery
  }, 20_000)
  const half = await order(stack, { callback_url }, { 'idempotency-key': 'half' })
  const overdue = await order(stack, {}, { 'cancel-after': '60s' })
  await until(async () => (await read(stack, half)).workflow.stamp === 'finished')
  await until(async () => (await read(stack, overdue)).workflow.stamp === 'finished')
  const backup = await backUp(first.url, before)

  const late = await order(stack, {}, { 'idempotency-key': 'late' })
  reachable = true
  await until(async () => webhookIds(receiver.requests, half).length > 0)
  await until(async () => (await read(stack, overdue)).status === 'completed')
  await Promise.all([stack.api, ...stack.workers].map((app) => app.end('SIGKILL')))
  await first.stop()
  await restore(backup, after)
  const second = await redisIn(after)
  await passMinutes(second.url, stack.prefix, 2)
  const restored = await startStack({
    redisUrl: second.url,
    environment: { ...environment, KEY_PREFIX: stack.prefix, SECRETS_KEY: stack.secretsKey },
  })

  // What was half done goes on at its next step; its end is told again, under an id of its own.
  await until(async () => (await read(restored, half)).status === 'completed', 30_000)
  await until(async () => webhookIds(receiver.requests, half).length === 2)
  expect(new Set(webhookIds(receiver.requests, half)).size).toBe(2)
  // What the client was told of an end after the backup need not be true any more.
  expect(
    await until(async () => (await read(restored, overdue)).status === 'canceled' && read(restored, overdue)),
  ).toMatchObject({ reason: 'deadline', workflow: { stamp: 'reverted' } })
  expect((await restored.ask(`/tasks/${late}`)).status).toBe(404)

  // What had ended and was told is not told again; what waited for its next try has kept its id.
  expect((await read(restored, told)).status).toBe('completed')
  expect(webhookIds(receiver.requests, told)).toHaveLength(1)
  const path = `/tasks/${untold}/deliveries/${tried.delivery_id}/redeliver`
  expect((await restored.ask(path, { method: 'POST' })).status).toBe(202)
  await until(async () => webhookIds(receiver.requests, untold).length === 3)
  expect(new Set(webhookIds(receiver.requests, untold)).size).toBe(1)

  // A key still stands for the task that it made, one of after the backup for none.
  expect(await order(restored, {}, { 'idempotency-key': 'late' })).not.toBe(late)
  expect(await order(restored, { callback_url }, { 'idempotency-key': 'told' })).toBe(told)
  expect(await order(restored, { callback_url }, { 'idempotency-key': 'half' })).toBe(half)
}, 60_000)
