import { connectForWork, createLog, Scripts } from '@accepted/core'
import { passTime, until } from '@accepted/core/testing'
import { expect, inject, onTestFinished, test } from 'vitest'
import { type Stack, startStack, told } from './stack.ts'

const MUSTANG = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
const OUTDATED = /the data in Redis is of format 1000, this program knows \d+: upgrade it/

/** As if a program that writes a format of the far future had begun to write, until it is taken back. */
async function newerData({
  prefix,
}: Stack): Promise<{ takeBack: () => Promise<void>; leasesRunOut: () => Promise<void> }> {
  const redis = connectForWork(inject('redisUrl'), createLog('test', 'silent'))
  onTestFinished(() => redis.disconnect())
  const scripts = new Scripts(redis, prefix, null)
  const key = `${scripts.prefixOf(0)}format`
  const before = (await redis.getset(key, 1000))!
  return {
    takeBack: async () => void (await redis.set(key, before)),
    leasesRunOut: () => passTime({ redis, scripts }, 20_000, { watched: true }),
  }
}

test('data that is too new ends a worker in words; the API says so until it is replaced, and nothing is lost', async () => {
  const stack = await startStack({ environment: { CAR_STEP_MS: '300' } })
  const { ask, workers } = stack
  const order = () =>
    ask('/cars', { method: 'POST', headers: { 'content-type': 'application/json' }, body: MUSTANG })
  const { task_id } = (await (await order()).json()) as { task_id: string }
  const read = async () => (await (await ask(`/tasks/${task_id}`)).json()) as Record<string, unknown>
  await until(async () => (await read()).status === 'running')
  const { takeBack, leasesRunOut } = await newerData(stack)

  const [worker] = workers
  await until(async () => worker!.child.exitCode !== null)
  expect(worker!.child.exitCode).toBe(78)
  expect(worker!.stderr()).toMatch(OUTDATED)
  const asked = [() => ask('/tasks'), () => ask(`/tasks/${task_id}`), order]
  for (const act of [...asked, () => ask(`/tasks/${task_id}/cancel`, { method: 'POST' })]) {
    const answer = await act()
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await answer.json()).toMatchObject({
      code: 'outdated_process',
      detail: expect.stringMatching(OUTDATED),
    })
  }
  const ready = await ask('/readyz')
  expect(ready.status).toBe(503)
  expect(await ready.json()).toMatchObject({ code: 'not_ready', detail: expect.stringMatching(OUTDATED) })
  const restarted = stack.startWorker()
  await until(async () => restarted.child.exitCode !== null)
  expect(restarted.child.exitCode).toBe(78)

  await takeBack()
  await told(stack.startWorker())
  await leasesRunOut()
  expect(await until(async () => (await read()).status === 'completed' && read(), 30_000)).toMatchObject({
    attempts: [{ error: { code: 'worker_lost' } }, { error: null }],
  })
  expect(await (await ask('/tasks')).json()).toHaveLength(1)
})
