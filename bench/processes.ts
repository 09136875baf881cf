import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { spawnTethered } from '@accepted/local-redis'

/** What a process may take to be up, and to end. */
const STEP_MS = 30_000

/** A process under measurement. */
export interface Measured {
  child: ChildProcess
  /** What it said when it was up. */
  told: Record<string, unknown>
  /** Ends it: TERM, KILL after 30 s. */
  end(): Promise<void>
}

const endedUnasked = Promise.withResolvers<never>()
// Before and between the measurements nobody listens.
endedUnasked.promise.catch(() => undefined)

/**
 * Measures, but waits for nothing that does not come.
 *
 * @throws Error if it takes longer than `limitMs`, or one of its processes ends that was not asked to. What it has begun goes on
 * until this process ends.
 */
export async function withinLimits<T>(limitMs: number, measure: () => Promise<T>): Promise<T> {
  const tooLong = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => tooLong.reject(new Error(`it takes longer than ${limitMs / 1000} s`)),
    limitMs,
  )
  try {
    return await Promise.race([measure(), endedUnasked.promise, tooLong.promise])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Starts a script of this workspace as a process of its own and waits until it says that it is up. It never outlives us, however we end.
 *
 * @throws Error if it ends before, or is not up within 30 s
 */
export async function startProcess(
  script: string,
  environment: Record<string, string>,
  execArgv: string[] = [],
): Promise<Measured> {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url))
  const { child, begin, exited } = spawnTethered(process.execPath, [...execArgv, path], {
    env: { PATH: process.env.PATH, LOG_LEVEL: 'warn', AUTH: 'none', ...environment },
    ipc: true,
  })
  child.stdout?.pipe(process.stdout)
  child.stderr?.pipe(process.stderr)
  let isAsked = false
  exited.then(() => isAsked || endedUnasked.reject(new Error(`${script} ended by itself`)))
  const up = once(child, 'message', { signal: AbortSignal.timeout(STEP_MS) })
  begin()
  const [told] = await Promise.race([
    up,
    exited.then(() => {
      throw new Error(`${script} ended before it was up`)
    }),
  ])
  return {
    child,
    told,
    async end() {
      isAsked = true
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STEP_MS)
      await exited
      clearTimeout(timer)
    },
  }
}
