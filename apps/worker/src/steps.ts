import type { Claim, Logger, Work } from '@accepted/core'
import { persist } from './persist.ts'

/** Why an attempt must end before its handler does: another worker holds the task now, or this one stops. */
export type AbortCause = 'fenced' | 'stopping'

/** Thrown into a handler whose attempt must end; also the reason of its abort signal. */
export class AttemptAborted extends Error {
  override name = 'AbortError'
  readonly why: AbortCause

  constructor(why: AbortCause) {
    super(why === 'fenced' ? 'another worker has this task now' : 'the worker stops')
    this.why = why
  }
}

/** The durable steps of one attempt: each runs once over all attempts that see it finish. */
export class Steps {
  readonly #work: Work
  readonly #claim: Claim
  readonly #abort: AbortController
  readonly #log: Logger

  /** @param abort ends the attempt; aborted at the first refused write */
  constructor(work: Work, claim: Claim, abort: AbortController, log: Logger) {
    this.#work = work
    this.#claim = claim
    this.#abort = abort
    this.#log = log
  }

  /**
   * Runs a step, or hands back its stored outcome. What it returns has always been JSON once, so that a first run sees
   * the same as a later one.
   *
   * @throws {TypeError} if the contract does not declare the step, or its outcome is not JSON
   * @throws {AttemptAborted} once the attempt must end
   */
  async run<T>(name: string, run: () => Promise<T> | T): Promise<T> {
    const { head, steps } = this.#claim.task
    if (!head.steps.includes(name)) throw new TypeError(`the contract declares no step '${name}'`)
    const stored = steps.get(name)
    if (stored?.state === 'finished') return JSON.parse(stored.outcome) as T
    await this.#write(name, 'begun')
    let outcome: string
    try {
      outcome = JSON.stringify((await run()) ?? null)
    } catch (error) {
      if (!this.#abort.signal.aborted) await this.#write(name, 'failed')
      throw error
    }
    await this.#write(name, 'finished', outcome)
    steps.set(name, { state: 'finished', outcome })
    this.#log.info({ step: name }, 'step finished')
    return JSON.parse(outcome) as T
  }

  async #write(name: string, state: 'begun' | 'finished' | 'failed', outcome?: string): Promise<void> {
    this.#abort.signal.throwIfAborted()
    const written = await persist(() => this.#work.step(this.#claim, name, state, outcome), this.#log)
    if (written === 'stale') this.#abort.abort(new AttemptAborted('fenced'))
    this.#abort.signal.throwIfAborted()
  }
}
