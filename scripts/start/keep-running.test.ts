import type { Ending } from '@accepted/local-redis'
import { describe, expect, test } from 'vitest'
import { type KeepOptions, type Kept, keepRunning, type Running } from './keep-running.ts'

/** A process that is played by the test. */
class FakeProcess implements Running<string> {
  readonly #ready = Promise.withResolvers<string>()
  readonly #exited = Promise.withResolvers<Ending>()
  readonly ready = this.#ready.promise
  readonly exited = this.#exited.promise

  getReady(told = 'here'): void {
    this.#ready.resolve(told)
  }

  die(ending: Partial<Ending>): void {
    this.#ready.reject(new Error('it ended before it was ready'))
    this.#exited.resolve({ code: null, signal: null, ...ending })
  }

  async stop(): Promise<void> {
    this.die({ code: 0 })
  }

  kill(): void {
    this.die({ signal: 'SIGKILL' })
  }
}

function keep(options: Partial<KeepOptions<string>> = {}) {
  const said: string[] = []
  const faults: string[] = []
  const launched: { process: FakeProcess; previous: string | undefined }[] = []
  let onLaunch = () => {}
  const kept: Kept<string> = keepRunning<string>({
    name: 'the worker',
    launch: (previous) => {
      const process = new FakeProcess()
      launched.push({ process, previous })
      onLaunch()
      return process
    },
    say: (words) => said.push(words),
    onGiveUp: (fault) => faults.push(fault.message),
    startAttempts: 3,
    backoffMs: () => 0,
    ...options,
  })
  return {
    kept,
    said,
    faults,
    launched,
    /** The process of the nth launch, once there is one. */
    launch: async (n: number) => {
      while (launched.length < n) await new Promise<void>((resolve) => (onLaunch = resolve))
      return launched[n - 1] as (typeof launched)[number]
    },
  }
}

describe('a process that is kept running', () => {
  test('tells when it is ready', async () => {
    const { kept, launch } = keep()
    ;(await launch(1)).process.getReady('at port 1')
    expect(await kept.firstReady).toBe('at port 1')
    await kept.stop()
  })

  test('is started again after its death, in words, and learns what its predecessor told', async () => {
    const { kept, launch, said } = keep()
    const first = (await launch(1)).process
    first.getReady('at port 1')
    await kept.firstReady
    first.die({ signal: 'SIGKILL' })
    const second = await launch(2)
    expect(second.previous).toBe('at port 1')
    second.process.getReady()
    await second.process.ready
    await kept.stop()
    expect(said).toEqual(['the worker died (signal SIGKILL); starting it again', 'the worker is up again'])
  })

  test('waits longer after each death in a row', async () => {
    const waits: number[] = []
    const { kept, launch } = keep({
      backoffMs: (deaths) => {
        waits.push(deaths)
        return 0
      },
    })
    ;(await launch(1)).process.getReady()
    for (const n of [1, 2, 3]) (await launch(n)).process.die({ code: 1 })
    await launch(4)
    expect(waits).toEqual([1, 2, 3])
    await kept.stop()
  })

  test('is given up when it fails too often before it was ever ready', async () => {
    const { kept, launch, launched, faults } = keep()
    for (const n of [1, 2, 3]) (await launch(n)).process.die({ code: 1 })
    expect(await kept.firstReady).toBeUndefined()
    expect(launched).toHaveLength(3)
    expect(faults).toEqual(['it ended before it was ready'])
  })

  test('is given up at once when it refuses its configuration', async () => {
    const { kept, launch, faults } = keep()
    ;(await launch(1)).process.die({ code: 78 })
    expect(await kept.firstReady).toBeUndefined()
    expect(faults).toEqual(['the worker refuses its configuration: its words are above'])
  })

  test('can be stopped while it starts, while it runs, and between two lives', async () => {
    const starting = keep()
    await starting.launch(1)
    await starting.kept.stop()
    expect(await starting.kept.firstReady).toBeUndefined()

    const running = keep()
    ;(await running.launch(1)).process.getReady()
    await running.kept.firstReady
    await running.kept.stop()

    const between = keep({ backoffMs: () => 60_000 })
    ;(await between.launch(1)).process.die({ code: 1 })
    await between.kept.stop()

    for (const { launched, said } of [starting, running]) {
      expect(launched).toHaveLength(1)
      expect(said).toEqual([])
    }
    expect(between.launched).toHaveLength(1)
  })
})
