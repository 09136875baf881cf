import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createTask, readTask, submission, terms, testStore, until } from '@accepted/core/testing'
import { expect, inject, onTestFinished, test } from 'vitest'

test('a handler that never yields is ended with its process, and its task by its run deadline', async () => {
  const store = testStore()
  const limits = { ...submission().limits, attempts: 1, runMs: 300, graceMs: 0 }
  const taskId = await createTask(store, { limits })
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./testing/blocking-worker.ts', import.meta.url))],
    {
      env: { REDIS_URL: inject('redisUrl'), KEY_PREFIX: store.prefix, WATCHDOG_SECONDS: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  const exited = once(child, 'exit')
  // Upkeep is any worker's: here the test's own.
  await until(async () => {
    await store.upkeep.tick(0, ['test'], terms())
    return (await readTask(store, taskId)).finishedMs !== null
  }, 20_000)
  expect(await readTask(store, taskId)).toMatchObject({ status: 'failed', reason: 'run_timeout' })
  expect(await exited).toEqual([null, 'SIGKILL'])
  expect(said).toContain('the event loop stood still for 1000 ms')
}, 30_000)
