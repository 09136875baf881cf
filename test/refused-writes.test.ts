import { connectForWork, createLog } from '@accepted/core'
import { until } from '@accepted/core/testing'
import { startLocalRedis } from '@accepted/local-redis'
import { expect, onTestFinished, test } from 'vitest'
import { startStack } from './stack.ts'

const WARN = 40

interface Task {
  task_id: string
  status: string
  workflow: Record<string, string>
}

/** A Redis that can be told to refuse every write, as it does when its disk is full or a replica that it must have is gone. */
async function refusingRedis() {
  const redis = await startLocalRedis()
  const connection = connectForWork(redis.url, createLog('test', 'silent'))
  onTestFinished(async () => {
    connection.disconnect()
    await redis.stop()
  })
  return {
    url: redis.url,
    refuse: (refuses: boolean) => connection.config('SET', 'min-replicas-to-write', refuses ? '1' : '0'),
  }
}

test('a Redis that refuses every write: starts are refused, reads answered, what runs goes on after it, and it is told once', async () => {
  const redis = await refusingRedis()
  const { ask, workers } = await startStack({ redisUrl: redis.url, environment: { CAR_STEP_MS: '300' } })
  const start = () =>
    ask('/cars', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }),
    })
  const started = await start()
  expect(started.status).toBe(202)
  const { task_id } = (await started.json()) as Task
  const read = async () => (await (await ask(`/tasks/${task_id}`)).json()) as Task
  await until(async () => (await read()).workflow.stamp === 'finished')

  await redis.refuse(true)
  const refused = await start()
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await refused.json()).toMatchObject({ code: 'store_unavailable' })
  expect((await ask('/tasks')).status).toBe(200)
  const log = workers[0]!.log
  const told = (message: RegExp) => log.filter(({ msg }) => message.test(msg))
  await until(async () => told(/^upkeep failed/).length >= 20)
  await until(async () => told(/^the store is away; writing again/).length >= 5)
  // Once by each of the four loops of upkeep, and by the one task that runs.
  const warned = (message: RegExp) => told(message).filter(({ level }) => level >= WARN)
  expect(warned(/^upkeep failed/).length).toBeLessThanOrEqual(4)
  expect(warned(/^the store is away; writing again/)).toHaveLength(1)
  expect((await read()).status).toBe('running')

  await redis.refuse(false)
  await until(async () => (await read()).status === 'completed')
  expect((await start()).status).toBe(202)
})
