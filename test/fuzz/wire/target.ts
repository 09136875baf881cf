import { type LogLine, MortalApp, messageOf } from '../../mortal-app.ts'
import { COLLECT, type Holdings, holdingsOf } from '../holdings.ts'

/** Lines at level `warn` or above that hostile input may cause, or that tell of how the target was set up. */
const EXPECTED = new Set([
  'request refused',
  // A task may ask for a car that does not exist.
  'attempt failed for good',
  'connections are refused: too many are open',
  'AUTH=none: nobody is asked for a key; whatever runs on this machine can do anything here',
  'neither SECRETS_KEY nor SECRETS_KEY_FILE is set: no callbacks are sent',
])

/** An app under attack. */
export class Target {
  readonly #app: MortalApp
  readonly #name: string
  #said: string[] = []
  #isOver = false
  /** Where it listens, if it does. */
  url = ''

  constructor(name: 'api' | 'worker', environment: Record<string, string>) {
    this.#name = name
    this.#app = new MortalApp(name, {
      environment,
      preload: [COLLECT],
      hear: (line) => this.#hear(line),
    })
  }

  /** Resolves when it is up; should it end by itself, it is started again. */
  async start(): Promise<void> {
    const { url = '' } = (await this.#app.start()) as { url?: string }
    this.url = url
    void this.#app.exited.then(async ({ code, signal }) => {
      if (this.#isOver) return
      this.#said.push(`the ${this.#name} ended with ${code ?? signal}: ${this.#app.errors}`)
      await this.start()
    })
  }

  /** What it said that it should not have, since this was last asked. */
  takeFaults(): string[] {
    const said = this.#said
    this.#said = []
    return said
  }

  /** What is left once the garbage is gone; of an API. */
  async holdings(): Promise<Holdings> {
    return holdingsOf(this.#app, () => this.url)
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#app.end('SIGTERM')
  }

  #hear(line: LogLine): void {
    if (!EXPECTED.has(line.msg)) this.#said.push(`the ${this.#name} logged: ${messageOf(line)}`)
  }
}
