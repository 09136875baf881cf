import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TaskStatus } from '@accepted/contract'
import {
  createTask,
  passTime,
  readTask,
  submission,
  type TestStore,
  terms,
  testStore,
  until,
} from '@accepted/core/testing'
import { expect, inject, onTestFinished, test } from 'vitest'

const WATCHDOG_SECONDS = 1

/** Starts a process of `trial-worker.ts` on a store; it is killed when the test is over. */
function startTrial({ prefix }: TestStore, stepMs = 10) {
  const child = fork(fileURLToPath(new URL('./testing/trial-worker.ts', import.meta.url)), {
    env: {
      REDIS_URL: inject('redisUrl'),
      KEY_PREFIX: prefix,
      WORKER_CONCURRENCY: '10',
      STEP_MS: String(stepMs),
      WATCHDOG_SECONDS: String(WATCHDOG_SECONDS),
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>
  const told: unknown[] = []
  let said = ''
  child.on('message', (word) => told.push(word))
  child.stdout?.on('data', (text) => {
    said += text
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return {
    child,
    exited,
    says: (word: string) => until(async () => told.includes(word)),
    told,
    said: () => said,
  }
}

function create(store: TestStore, n: 0 | 1 | 2): Promise<string> {
  const usual = submission()
  return createTask(store, { body: JSON.stringify({ n }), head: { ...usual.head, steps: ['one'] } })
}

/** Lets the leases of a process that is dead, or stands still, run out. */
async function loseLeases(store: TestStore): Promise<void> {
  await passTime(store, 9_000, { watched: true })
  await store.upkeep.tick(0, ['test'], terms())
}

test('a task that kills its process takes none of its nine neighbours with it', async () => {
  const store = testStore()
  const poison = await create(store, 0)
  const neighbours = await Promise.all(Array.from({ length: 9 }, () => create(store, 1)))
  const all = [poison, ...neighbours]
  const count = async (status: TaskStatus) =>
    (await store.reader.list('default', { status }, 20)).tasks.length
  // Twice all of them are lost together; then they run one at a time, and each ends by itself.
  for (const stepMs of [60_000, 60_000, 10]) {
    const { child, exited, says } = startTrial(store, stepMs)
    await says('in its step')
    if (stepMs > 10) await until(async () => (await count('running')) === all.length)
    child.send('strike')
    expect(await exited).toEqual([null, 'SIGKILL'])
    await loseLeases(store)
  }
  startTrial(store)
  await until(async () => (await count('completed')) === neighbours.length)
  expect(await readTask(store, poison)).toMatchObject({
    status: 'failed',
    reason: 'worker_lost',
    attempts: [1, 2, 3].map(() => ({ error: { code: 'worker_lost' } })),
  })
}, 60_000)

test('a worker that was frozen past its lease writes nothing when it is thawed, and goes on with other tasks', async () => {
  const store = testStore()
  const taskId = await create(store, 2)
  const frozen = startTrial(store)
  await frozen.says('in its step')
  frozen.child.kill('SIGSTOP')
  await loseLeases(store)
  const other = startTrial(store)
  await other.says('in its step')
  // Longer than the watchdog lets an event loop stand still.
  await pause(1.5 * WATCHDOG_SECONDS * 1000)

  const before = await readTask(store, taskId)
  expect(before).toMatchObject({ status: 'running', attempts: [{ error: { code: 'worker_lost' } }, {}] })
  // Its step ends at once, and is to be recorded.
  frozen.child.send('go on')
  frozen.child.kill('SIGCONT')
  await frozen.says('aborted')
  await until(async () => frozen.said().includes('fenced off'))
  expect(frozen.said()).not.toContain('step finished')
  expect(await readTask(store, taskId)).toEqual(before)

  other.child.send('go on')
  await until(async () => (await readTask(store, taskId)).finishedMs !== null)
  expect(await readTask(store, taskId)).toMatchObject({
    status: 'completed',
    result: JSON.stringify({ pid: other.child.pid }),
    version: before.version + 2,
  })
  expect(other.told).not.toContain('aborted')

  other.child.kill('SIGKILL')
  await other.exited
  const next = await create(store, 1)
  await until(async () => (await readTask(store, next)).finishedMs !== null)
  expect((await readTask(store, next)).result).toBe(JSON.stringify({ pid: frozen.child.pid }))
}, 60_000)
