import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Ending, spawnTethered } from '@accepted/local-redis'

export interface MortalAppOptions {
  environment: Record<string, string>
  /** Files that it is to load before all else. */
  preload?: URL[]
  /** Takes the lines of its log, at level `warn` or above if the environment does not say. */
  hear?: (line: LogLine) => void
}

/** What a drill or a soak reads of a line of the log. */
export interface LogLine {
  /** As pino has it: 30 is info, 40 warn. */
  level: number
  msg: string
  task?: string
  step?: string
  outcome?: string
  err?: { message: string }
}

/** An app of which the process may be killed and frozen, and started again in the same place. */
export class MortalApp {
  readonly #main: string
  readonly #options: MortalAppOptions
  #process: ReturnType<typeof spawnTethered> | undefined
  #errors = ''

  constructor(app: 'api' | 'worker', options: MortalAppOptions) {
    this.#main = fileURLToPath(new URL(`../apps/${app}/src/main.ts`, import.meta.url))
    this.#options = options
  }

  /**
   * Resolves to what it tells when it is up.
   *
   * @throws {Error} with its last words, if it ends before
   */
  async start(): Promise<Record<string, unknown>> {
    const { environment, preload = [], hear = () => undefined } = this.#options
    const flags = preload.flatMap((file) => ['--import', file.href])
    const spawned = spawnTethered(process.execPath, [...flags, this.#main], {
      env: { PATH: process.env.PATH, LOG_LEVEL: 'warn', AUTH: 'none', ...environment },
      ipc: true,
    })
    this.#process = spawned
    let rest = ''
    spawned.child.stdout?.on('data', (data) => {
      const lines = `${rest}${data}`.split('\n')
      rest = lines.pop()!
      for (const line of lines) hear(JSON.parse(line) as LogLine)
    })
    spawned.child.stderr?.on('data', (data) => {
      this.#errors = `${this.#errors}${data}`.slice(-2_000)
    })
    const told = once(spawned.child, 'message').then(([message]) => message as Record<string, unknown>)
    spawned.begin()
    return Promise.race([
      told,
      spawned.exited.then(({ code, signal }) => {
        throw new Error(`it ended with ${code ?? signal}: ${this.#errors}`)
      }),
    ])
  }

  /** Resolves when the process that runs now has ended. */
  get exited(): Promise<Ending> {
    return this.#process!.exited
  }

  /** What it has written to its standard error, the last of it. */
  get errors(): string {
    return this.#errors
  }

  /** Sends it a message over its channel. */
  tell(message: object): void {
    this.#process!.child.send(message)
  }

  signal(signal: NodeJS.Signals): void {
    this.#process!.child.kill(signal)
  }

  /** Signals it and resolves when it is gone. */
  async end(signal: NodeJS.Signals): Promise<Ending> {
    this.signal(signal)
    return this.exited
  }
}

/** The constant message of a line; of an error also what it was. */
export function messageOf({ level, msg, err }: LogLine): string {
  return level >= 50 && err ? `${msg}: ${err.message}` : msg
}
