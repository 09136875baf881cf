import type { Claim, Logger, Work } from '@accepted/core'

/** Thrown into a handler whose attempt must end: another worker holds the task now, or this one stops. */
export class AttemptAborted extends Error {
  override name = 'AbortError'
}

/** The durable steps of one attempt: each runs once over all attempts that see it finish. */
export class Steps {
  readonly #work: Work
  readonly #claim: Claim
  readonly #signal: AbortSignal
  readonly #fenced: () => void
  readonly #log: Logger

  /** @param fenced called at the first refused write */
  constructor(work: Work, claim: Claim, signal: AbortSignal, fenced: () => void, log: Logger) {
    this.#work = work
    this.#claim = claim
    this.#signal = signal
    this.#fenced = fenced
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
      if (!this.#signal.aborted) await this.#write(name, 'failed')
      throw error
    }
    await this.#write(name, 'finished', outcome)
    steps.set(name, { state: 'finished', outcome })
    this.#log.info({ step: name }, 'step finished')
    return JSON.parse(outcome) as T
  }

  async #write(name: string, state: 'begun' | 'finished' | 'failed', outcome?: string): Promise<void> {
    if (this.#signal.aborted) throw new AttemptAborted('the attempt has ended')
    const written = await this.#work.step(this.#claim, name, state, outcome)
    if (written === 'stale') {
      this.#fenced()
      throw new AttemptAborted('another worker has this task now')
    }
  }
}
