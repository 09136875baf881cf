import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type AppOptions, launchApp } from './app-process.ts'

function launch(script: string, env: NodeJS.ProcessEnv = {}, options: Partial<AppOptions> = {}) {
  return launchApp({
    name: `the ${script}`,
    script: fileURLToPath(new URL(`testing/${script}.ts`, import.meta.url)),
    env: { ...process.env, PORT: '0', ...env },
    show: (stream) => stream.resume(),
    ...options,
  })
}

describe('an app process', () => {
  test('is ready when it says so, and ends in order', async () => {
    const api = launch('fake-api')
    const message = await api.ready
    expect(message).toEqual({ kind: 'listening', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) })
    await api.stop()
    expect(await api.exited).toEqual({ code: 0, signal: null })
  })

  test('that ends before it is ready says how', async () => {
    const worker = launch('fake-worker', { FAKE_WORKER: 'crashing' })
    await expect(worker.ready).rejects.toThrow('the fake-worker ended before it was ready (exit code 1)')
  })

  test('is killed when it does not stop in time', async () => {
    const worker = launch('fake-worker', { FAKE_WORKER: 'stubborn' }, { stopTimeoutMs: 100 })
    await worker.ready
    await worker.stop()
    expect(await worker.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('has all its output shown', async () => {
    let shown = ''
    const worker = launch(
      'fake-worker',
      { FAKE_WORKER: 'crashing' },
      {
        show: (stream) =>
          stream.on('data', (chunk) => {
            shown += chunk
          }),
      },
    )
    await expect(worker.ready).rejects.toThrow()
    expect(shown).toContain('there is a bug')
  })
})
