import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectForWork, createLog } from '@accepted/core'
import {
  type LocalRedis,
  type ProxyMode,
  type RedisProxy,
  startLocalRedis,
  startRedisProxy,
} from '@accepted/local-redis'
import { type LogLine, MortalApp, messageOf } from '../mortal-app.ts'
import type { Receipts } from '../soak/receiver.ts'
import { APIS, type AppName, type Fault, type Strike, WORKERS, wordsOf } from './faults.ts'

const RECEIVER = fileURLToPath(new URL('../soak/receiver.ts', import.meta.url))
const WAVERING_CLOCK = new URL('wavering-clock.ts', import.meta.url)
const WARN = 40
const APPS: readonly AppName[] = [...APIS, ...WORKERS]
/** How long an app may need to be up while it is also struck by other faults. */
const UP_WITHIN_MS = 60_000
/** A process that ends by itself is started again so much later. */
const RESTART_MS = 500

export interface StageOptions {
  dataDir: string
  /** Of the apps, but for what leads to Redis. */
  environment: Record<string, string>
  /** Of one app alone, besides. */
  own?: Partial<Record<AppName, Record<string, string>>>
  /** A library that sets the clock of a process by a file, if there is one: libfaketime. */
  clockLibrary?: string | undefined
  say: (words: string) => void
}

/** All that is played on: Redis, two APIs, two workers, each on a line of its own to Redis, and a receiver. */
export class Stage {
  readonly #options: StageOptions
  readonly #lines = new Map<AppName, RedisProxy>()
  readonly #apps = new Map<AppName, MortalApp>()
  /** What is struck now, by its part: what strikes it next waits. */
  readonly #struck = new Map<string, Promise<void>>()
  #redis!: LocalRedis
  #receiver!: ReturnType<typeof fork>
  #over = false
  /** Of what the apps said at level `warn` or above, how often. */
  readonly said = new Map<string, number>()
  /** How often a worker was told that a step is recorded as finished, by task and step. */
  readonly finishedSteps = new Map<string, number>()
  /** Processes that ended though nobody had struck them, in words. */
  readonly endedAlone: string[] = []
  /** Tasks whose clients were refused and that an API could not take back any more, since they had ended or were kept by their key. */
  readonly notTakenBack = new Set<string>()
  /** Where the APIs listen. */
  readonly apiUrls: string[] = []
  receiverUrls: string[] = []

  constructor(options: StageOptions) {
    this.#options = options
  }

  /** The URL of Redis itself, on no line that is cut. */
  get redisUrl(): string {
    return this.#redis.url
  }

  /** @param receiverEnvironment of ../soak/receiver.ts; made once Redis is there */
  async open(receiverEnvironment: (redisUrl: string) => Promise<Record<string, string>>): Promise<void> {
    await this.#startRedis()
    this.#receiver = fork(RECEIVER, { env: await receiverEnvironment(this.redisUrl) })
    const [{ urls }] = (await once(this.#receiver, 'message')) as [{ urls: string[] }]
    this.receiverUrls = urls
    await Promise.all(APPS.map((name) => this.#openApp(name)))
  }

  /** Does what a strike says and mends it, once what is struck is not struck already. Resolves when it is mended. */
  async strike(fault: Fault): Promise<void> {
    const parts = partsOf(fault)
    const before = Promise.all(parts.map((part) => this.#struck.get(part)))
    const struck = before.then(() => this.#play(fault))
    const settled = struck.catch(() => undefined)
    for (const part of parts) this.#struck.set(part, settled)
    return struck
  }

  /** Plays a whole schedule; resolves when all is mended. */
  async play(strikes: readonly Strike[]): Promise<void> {
    const began = performance.now()
    const played: Promise<void>[] = []
    for (const strike of strikes) {
      await pause(Math.max(0, began + strike.atMs - performance.now()))
      this.#options.say(`${(strike.atMs / 1000).toFixed(1)} s: ${wordsOf(strike)}`)
      played.push(this.strike(strike))
    }
    await Promise.all(played)
  }

  async receipts(): Promise<Receipts> {
    this.#receiver.send('receipts')
    const [receipts] = await once(this.#receiver, 'message')
    return receipts as Receipts
  }

  async close(): Promise<void> {
    this.#over = true
    const apps = [...this.#apps.values()]
    for (const app of apps) app.signal('SIGCONT')
    await Promise.all(apps.map((app) => app.end('SIGTERM')))
    this.#receiver?.kill('SIGKILL')
    await Promise.all([...this.#lines.values()].map((line) => line.close()))
    await this.#redis?.stop()
  }

  async #startRedis(port?: number): Promise<void> {
    const { dataDir, clockLibrary } = this.#options
    if (clockLibrary) await writeFile(this.#clockFile, '+0')
    const environment: Record<string, string> = clockLibrary
      ? {
          // Its jemalloc asks for the time before libfaketime can tell it: the C library's own malloc does not.
          LD_PRELOAD: `${clockLibrary} libc.so.6`,
          FAKETIME_TIMESTAMP_FILE: this.#clockFile,
          FAKETIME_CACHE_DURATION: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        }
      : {}
    this.#redis = await startLocalRedis({ dataDir, environment, ...(port === undefined ? {} : { port }) })
  }

  get #clockFile(): string {
    return join(this.#options.dataDir, 'clock')
  }

  async #openApp(name: AppName): Promise<void> {
    const line = await startRedisProxy(this.#redis.url)
    this.#lines.set(name, line)
    const environment: Record<string, string> = {
      ...this.#options.environment,
      ...this.#options.own?.[name],
      REDIS_URL: line.url,
      PORT: '0',
      LOG_LEVEL: 'info',
    }
    const app = new MortalApp(isApi(name) ? 'api' : 'worker', {
      environment,
      preload: [WAVERING_CLOCK],
      hear: (line) => this.#hear(line),
    })
    this.#apps.set(name, app)
    const { url } = await app.start()
    if (isApi(name)) {
      this.apiUrls.push(url as string)
      // In its place comes another.
      environment.PORT = new URL(url as string).port
    }
    this.#watch(name)
  }

  #hear(line: LogLine): void {
    const { level, msg, task, step, outcome } = line
    const count = (counts: Map<string, number>, what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
    if (msg === 'a refused create was accepted' && ['ended', 'kept'].includes(outcome!))
      this.notTakenBack.add(task!)
    if (level >= WARN) count(this.said, messageOf(line))
    else if (msg === 'step finished') count(this.finishedSteps, `${step} of ${task}`)
  }

  /** Starts an app again that ends though it was not struck. */
  #watch(name: AppName): void {
    const app = this.#apps.get(name)!
    app.exited.then(async ({ code, signal }) => {
      if (this.#over || this.#struck.has(`${name} is killed`)) return
      this.endedAlone.push(`${name} ended with ${code ?? signal}: ${app.errors}`)
      await pause(RESTART_MS)
      await this.#startApp(name)
    })
  }

  async #startApp(name: AppName): Promise<void> {
    // Without Redis a worker is up only when that is back.
    const late = AbortSignal.timeout(UP_WITHIN_MS)
    while (!this.#over) {
      try {
        await this.#apps.get(name)!.start()
        return this.#watch(name)
      } catch (error) {
        this.endedAlone.push(`${name} did not start: ${(error as Error).message}`)
        if (late.aborted) throw error
        await pause(RESTART_MS)
      }
    }
  }

  async #play(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kill':
        return fault.who === 'redis' ? this.#killRedis(fault.forMs) : this.#killApp(fault.who, fault.forMs)
      case 'freeze': {
        const signal = this.#signalOf(fault.who)
        signal('SIGSTOP')
        await pause(fault.forMs)
        return signal('SIGCONT')
      }
      case 'unreachable':
        return this.#breakLines(fault.who, fault.how === 'silent' ? 'black hole' : 'shut', fault.forMs)
      case 'reset':
        return this.#breakLines(fault.who, fault.at === 'reply' ? 'no reply' : 'half a request', fault.forMs)
      case 'script flush':
        return this.#tellRedis([['SCRIPT', 'FLUSH']])
      case 'client kill':
        return this.#tellRedis([
          ['CLIENT', 'KILL', 'TYPE', 'normal'],
          ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
        ])
      case 'full':
        await this.#tellRedis([['CONFIG', 'SET', 'maxmemory', '1']])
        await pause(fault.forMs)
        return this.#tellRedis([['CONFIG', 'SET', 'maxmemory', '0']])
      case 'clock':
        await this.#setClock(fault.who, fault.offMs)
        await pause(fault.forMs)
        return this.#setClock(fault.who, 0)
    }
  }

  async #killRedis(forMs: number): Promise<void> {
    const { pid, port, exited } = this.#redis
    process.kill(pid, 'SIGKILL')
    await exited
    await pause(forMs)
    await this.#startRedis(port)
  }

  async #killApp(name: AppName, forMs: number): Promise<void> {
    const key = `${name} is killed`
    this.#struck.set(key, Promise.resolve())
    await this.#apps.get(name)!.end('SIGKILL')
    await pause(forMs)
    this.#struck.delete(key)
    await this.#startApp(name)
  }

  #signalOf(who: AppName | 'redis' | 'receiver'): (signal: NodeJS.Signals) => void {
    if (who === 'redis') return (signal) => void process.kill(this.#redis.pid, signal)
    if (who === 'receiver') return (signal) => void this.#receiver.kill(signal)
    return (signal) => this.#apps.get(who)!.signal(signal)
  }

  async #breakLines(who: AppName | 'everybody', mode: ProxyMode, forMs: number): Promise<void> {
    const lines = (who === 'everybody' ? APPS : [who]).map((name) => this.#lines.get(name)!)
    await Promise.all(lines.map((line) => line.set(mode)))
    await pause(forMs)
    await Promise.all(lines.map((line) => line.set('open')))
  }

  async #tellRedis(commands: string[][]): Promise<void> {
    const redis = connectForWork(this.redisUrl, createLog('drill', 'silent'))
    try {
      for (const [command, ...args] of commands) await redis.call(command!, ...args)
    } finally {
      redis.disconnect()
    }
  }

  async #setClock(who: AppName | 'redis', offMs: number): Promise<void> {
    if (who !== 'redis') return this.#apps.get(who)!.tell({ clockOffMs: offMs })
    await writeFile(this.#clockFile, `${offMs < 0 ? '' : '+'}${(offMs / 1000).toFixed(3)}`)
  }
}

function isApi(name: AppName): boolean {
  return APIS.includes(name as (typeof APIS)[number])
}

/** What a fault strikes; two that share a part come one after the other. */
function partsOf(fault: Fault): string[] {
  switch (fault.kind) {
    case 'kill':
    case 'freeze':
      return [fault.who]
    case 'clock':
      return [fault.who === 'redis' ? "redis's clock" : fault.who]
    case 'unreachable':
    case 'reset':
      return (fault.who === 'everybody' ? APPS : [fault.who]).map((name) => `the line of ${name}`)
    default:
      return ['redis']
  }
}
