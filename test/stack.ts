import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { checkedFetch, fetchDocument } from '@accepted/api/testing'
import { connectForWork, createLog, Scripts } from '@accepted/core'
import { freshPrefix, passTime, until } from '@accepted/core/testing'
import { inject, onTestFinished } from 'vitest'

const APPS = new URL('../apps/', import.meta.url)

/** A line of an app's log. */
export type LogLine = Record<string, unknown> & { msg: string; level: number }

/** One process of an app. */
export interface AppProcess {
  child: ChildProcess
  log: LogLine[]
  stderr: () => string
  /** Ends it and resolves to its exit code, null if a signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

export interface StackOptions {
  /** Defaults to the tests' Redis. */
  redisUrl?: string
  workers?: number
  environment?: Record<string, string>
  /** What workers are run with, such as a module that is loaded first. */
  workerFlags?: string[]
}

/**
 * API and workers as processes of their own, under a key prefix of their own; gone when the test is over. `ask` is `fetch`
 * that checks every answer against the API's own description and follows no redirection.
 */
export async function startStack({
  redisUrl = inject('redisUrl'),
  workers = 1,
  environment = {},
  workerFlags = [],
}: StackOptions = {}) {
  const shared = {
    REDIS_URL: redisUrl,
    KEY_PREFIX: freshPrefix(),
    LOG_LEVEL: 'debug',
    CAR_STEP_MS: '20',
    SECRETS_KEY: randomBytes(32).toString('base64'),
    CALLBACK_ALLOW_CIDRS: '127.0.0.0/8,::1/128',
    ...environment,
  }
  const startApi = (port = '0') => startApp('api', { ...shared, PORT: port })
  const api = startApi()
  const startWorker = () => startApp('worker', { SHUTDOWN_GRACE_SECONDS: '0', ...shared }, workerFlags)
  const running = Array.from({ length: workers }, startWorker)
  const [{ url }] = await Promise.all([told(api), ...running.map(told)])
  if (workers > 0) await until(async () => (await fetch(`${url}/readyz`)).ok)
  const ask = checkedFetch(await fetchDocument(url as string), url as string)
  return {
    url: url as string,
    redisUrl,
    ask,
    prefix: shared.KEY_PREFIX,
    secretsKey: shared.SECRETS_KEY,
    api,
    workers: running,
    startApi,
    startWorker,
    /** Lets time pass for all tasks at once, and, if a worker lives, what is due then be done by it. */
    async passTime(ms: number, { alive = true } = {}): Promise<void> {
      const redis = connectForWork(redisUrl, createLog('test', 'silent'))
      const scripts = new Scripts(redis, shared.KEY_PREFIX, null)
      try {
        await passTime({ redis, scripts }, ms)
        if (!alive) return
        const since = await scripts.now()
        const upkeep = `${scripts.prefixOf(0)}upkeep`
        await until(async () => Number(await redis.hget(upkeep, 'ticked')) > since)
      } finally {
        redis.disconnect()
      }
    },
  }
}
export type Stack = Awaited<ReturnType<typeof startStack>>

/** Starts an app; it is killed when the test is over. Nobody is asked for a key, unless `AUTH` is given. */
export function startApp(
  app: 'api' | 'worker',
  environment: Record<string, string>,
  nodeFlags: string[] = [],
): AppProcess {
  const main = fileURLToPath(new URL(`${app}/src/main.ts`, APPS))
  const child = spawn(process.execPath, [...nodeFlags, main], {
    env: { PATH: process.env.PATH, AUTH: 'none', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const log: LogLine[] = []
  let errors = ''
  let rest = ''
  child.stdout?.on('data', (data) => {
    const lines = `${rest}${data}`.split('\n')
    rest = lines.pop()!
    log.push(...lines.map((line) => JSON.parse(line) as LogLine))
  })
  child.stderr?.on('data', (data) => {
    errors += data
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  })
  return {
    child,
    log,
    stderr: () => errors,
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      return (await exited)[0]
    },
  }
}

/** What an app tells its supervisor once it is up. @throws {Error} with its last words, if it ends before */
export async function told({ child, stderr }: AppProcess): Promise<Record<string, unknown>> {
  const up = once(child, 'message').then(([message]) => message as Record<string, unknown>)
  const down = once(child, 'exit').then(([code]) => {
    throw new Error(`it ended with ${code}: ${stderr()}`)
  })
  return Promise.race([up, down])
}
