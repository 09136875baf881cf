import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { LocalRedis } from '@accepted/local-redis'
import { type AppMessage, launchApp } from './app-process.ts'
import { type Kept, keepRunning } from './keep-running.ts'
import { launchPrivateRedis } from './private-redis.ts'
import type { StartSettings } from './settings.ts'
import { type Addresses, withoutPassword } from './welcome.ts'

/** docs/decisions/006: a young generation that grows without bound would double the worker's memory. */
const WORKER_FLAGS = ['--max-semi-space-size=8']

export interface StackOptions {
  settings: StartSettings
  /** The scripts to run. */
  scripts: { api: string; worker: string }
  say: (words: string) => void
  /** Takes the apps' output. */
  show: (name: string, stream: Readable) => void
  /** Told why the stack cannot run; it still needs to be stopped. */
  onGiveUp: (fault: Error) => void
}

export interface Stack {
  /** Resolves when everything serves; with undefined if it ended before that. */
  up: Promise<Addresses | undefined>
  /** Ends the apps, both at once, and then Redis. */
  stop(): Promise<void>
  /** Ends everything at once; `stop` still tells when all is gone. */
  kill(): void
}

/** What a start takes without being worth a word. */
const patienceMs = 3_000
/** More than the API takes for any answer of its own. */
const answerTimeoutMs = 3_000

/** Starts Redis (unless there is one), then the API and the worker, and keeps each of them running. */
export function startStack({ settings, scripts, say, show, onGiveUp }: StackOptions): Stack {
  const stopping = new AbortController()
  const common = { say, onGiveUp }
  const apps: Kept<AppMessage>[] = []
  let redis: Kept<LocalRedis> | undefined

  async function startRedis(): Promise<string | undefined> {
    if (settings.redisUrl) {
      say(`using the Redis of REDIS_URL, ${withoutPassword(settings.redisUrl)}`)
      return settings.redisUrl
    }
    say('starting a private Redis')
    redis = keepRunning({
      ...common,
      name: 'Redis',
      startAttempts: 1,
      launch: (previous) => launchPrivateRedis(settings.dataDir, previous?.port, say),
    })
    return (await redis.firstReady)?.url
  }

  function startApp(app: 'api' | 'worker', env: NodeJS.ProcessEnv): Kept<AppMessage> {
    const name = app === 'api' ? 'the API' : 'the worker'
    const kept = keepRunning<AppMessage>({
      ...common,
      name,
      startAttempts: 5,
      launch: (previous) =>
        launchApp({
          name,
          script: scripts[app],
          nodeFlags: app === 'worker' ? WORKER_FLAGS : [],
          env: { ...env, ...samePort(previous) },
          show: (stream) => show(app, stream),
        }),
    })
    apps.push(kept)
    return kept
  }

  async function bringUp(): Promise<Addresses | undefined> {
    const redisUrl = await startRedis()
    if (!redisUrl || stopping.signal.aborted) return undefined
    say('starting the API and the worker')
    const env = { ...settings.appEnvironment, REDIS_URL: redisUrl }
    const [api, worker] = [startApp('api', env), startApp('worker', env)]
    const listening = await api.firstReady
    if (listening?.kind !== 'listening') return undefined
    const [working] = await Promise.all([worker.firstReady, waitUntilReady(listening.url)])
    if (!working || stopping.signal.aborted) return undefined
    return {
      api: listening.url,
      redis: redisUrl,
      redisData: settings.redisUrl ? undefined : settings.dataDir,
      needsKeys: settings.appEnvironment.AUTH !== 'none',
    }
  }

  /** Waits as long as it takes; says what is missing if that is long, and again when it is something else. */
  async function waitUntilReady(api: string): Promise<void> {
    const patientUntil = performance.now() + patienceMs
    let told: string | undefined
    while (!stopping.signal.aborted) {
      const missing = await missingParts(api)
      if (missing === undefined) return
      if (missing !== told && performance.now() > patientUntil) {
        say(`not ready yet. ${missing}`)
        told = missing
      }
      await delay(50)
    }
  }

  return {
    up: bringUp(),
    stop: async () => {
      stopping.abort()
      await Promise.all(apps.map((app) => app.stop()))
      await redis?.stop()
    },
    kill: () => {
      stopping.abort()
      for (const kept of [...apps, redis]) kept?.kill()
    },
  }
}

/** An API that chose a free port is to be found there when it is started again. */
function samePort(previous: AppMessage | undefined): NodeJS.ProcessEnv {
  const port = previous?.kind === 'listening' && new URL(previous.url).port
  return port ? { PORT: port } : {}
}

/** What the API says that it misses; undefined if nothing. */
async function missingParts(api: string): Promise<string | undefined> {
  const url = `${api}/readyz`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) })
    const text = await response.text()
    return response.ok ? undefined : String((JSON.parse(text) as { detail?: string }).detail)
  } catch {
    return `${url} gives no answer.`
  }
}
