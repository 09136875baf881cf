import { setTimeout as delay } from 'node:timers/promises'
import type { Ending } from '@accepted/local-redis'

/** A process that was launched: it is first starting, then ready, then gone. */
export interface Running<T> {
  /** What it tells when it is ready. Rejects, with words for humans, if it ends before that. */
  ready: Promise<T>
  exited: Promise<Ending>
  /** Ends it in order, within bounds, and resolves when it is gone. */
  stop(): Promise<void>
  /** Ends it at once. */
  kill(): void
}

export interface KeepOptions<T> {
  /** As sentences begin with it: `the worker`. */
  name: string
  /** Gets what the one before told when it was ready, if one ever was. */
  launch: (previous: T | undefined) => Running<T>
  say: (words: string) => void
  /** Told why it will not be started again. */
  onGiveUp: (fault: Error) => void
  /** How often it may fail in a row before it was ever ready. */
  startAttempts: number
  /** Milliseconds to wait after so many deaths in a row. */
  backoffMs?: (deaths: number) => number
}

export interface Kept<T> {
  /** Resolves when it is ready for the first time; with undefined if it ended for good before that. */
  firstReady: Promise<T | undefined>
  stop(): Promise<void>
  kill(): void
}

/** The exit code of an app whose configuration is faulty (EX_CONFIG of sysexits.h); it has said so itself. */
export const faultyConfigurationCode = 78

/** A process that ran this long was healthy: its death is not one in a row. */
const healthyMs = 10_000

/**
 * Keeps a process running:
 *
 *     starting ──▶ ready ──▶ gone ──▶ (backoff) ──▶ starting …
 *         └──────────────────▶ │
 *                              └──▶ given up: its configuration is faulty, or it was never ready
 *
 * until `stop` or `kill`, which end it from every state.
 */
export function keepRunning<T>(options: KeepOptions<T>): Kept<T> {
  const { name, launch, say, onGiveUp, startAttempts, backoffMs = doubling } = options
  const stopping = new AbortController()
  const firstReady = Promise.withResolvers<T | undefined>()
  let current: Running<T> | undefined

  const ended = (async () => {
    let told: T | undefined
    let deaths = 0
    while (!stopping.signal.aborted) {
      const launchedAt = performance.now()
      current = launch(told)
      const start = await settle(current.ready)
      if ('value' in start) {
        if (told !== undefined) say(`${name} is up again`)
        told = start.value
        firstReady.resolve(told)
      }
      const ending = await current.exited
      if (stopping.signal.aborted) break
      deaths = performance.now() - launchedAt > healthyMs ? 1 : deaths + 1
      if (ending.code === faultyConfigurationCode) {
        onGiveUp(new Error(`${name} refuses its configuration: its words are above`))
        break
      }
      if ('fault' in start && told === undefined && deaths >= startAttempts) {
        onGiveUp(start.fault)
        break
      }
      say(
        `${'fault' in start ? start.fault.message : `${name} died (${describeEnding(ending)})`}; starting it again`,
      )
      await delay(backoffMs(deaths), undefined, { signal: stopping.signal }).catch(() => {})
    }
    firstReady.resolve(undefined)
  })()

  return {
    firstReady: firstReady.promise,
    stop: async () => {
      stopping.abort()
      await current?.stop()
      await ended
    },
    kill: () => {
      stopping.abort()
      current?.kill()
    },
  }
}

/** `signal SIGKILL`, `exit code 1`. */
export function describeEnding({ code, signal }: Ending): string {
  return signal ? `signal ${signal}` : `exit code ${code}`
}

async function settle<T>(promise: Promise<T>): Promise<{ value: T } | { fault: Error }> {
  return promise.then(
    (value) => ({ value }),
    (fault: Error) => ({ fault }),
  )
}

function doubling(deaths: number): number {
  return Math.min(100 * 2 ** (deaths - 1), 5_000)
}
