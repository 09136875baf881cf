import { type Claim, isStoreAway, type Logger, readJson, type StepWrite, type Work } from '@accepted/core'
import type { StepOptions } from '@accepted/operations'
import { AttemptAborted, causeOf } from './attempt-aborted.ts'
import { RESULT_MAX_BYTES } from './endings.ts'
import { persist } from './persist.ts'

/** The durable steps of one attempt: each runs once over all attempts that see it finish. */
export class Steps {
  readonly #work: Work
  readonly #claim: Claim
  readonly #abort: AbortController
  readonly #log: Logger
  readonly #running = new Set<string>()

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
   * @throws {TypeError} if the contract does not declare the step, if it is running already, or its outcome is not JSON or
   *   is too large
   * @throws {AttemptAborted} once the attempt must end
   */
  async run<T>(name: string, run: () => Promise<T> | T, options: StepOptions<T> = {}): Promise<T> {
    if (!this.#claim.task.head.steps.includes(name))
      throw new TypeError(`the contract declares no step '${name}'`)
    if (this.#running.has(name)) throw new TypeError(`the step '${name}' is running already`)
    this.#running.add(name)
    try {
      return await this.#run(name, run, options)
    } finally {
      this.#running.delete(name)
    }
  }

  async #run<T>(name: string, run: () => Promise<T> | T, { undo }: StepOptions<T>): Promise<T> {
    const { steps } = this.#claim.task
    const stored = steps.get(name)
    if (stored?.state === 'finished') return readJson(stored.outcome) as T
    this.#abort.signal.throwIfAborted()
    await this.#write(name, undo ? 'begun_undoable' : 'begun')
    let outcome: string
    try {
      outcome = outcomeText(name, await run())
    } catch (error) {
      const why = causeOf(this.#abort.signal)
      // Whether what the store was asked for happened, nobody knows: the step is cut off.
      if (why !== 'fenced' && why !== 'stopping' && !isStoreAway(error)) await this.#write(name, 'failed')
      throw error
    }
    // Written though the attempt may be canceled meanwhile: what is finished must be known to be undone.
    await this.#write(name, undo ? 'undoable' : 'finished', outcome)
    steps.set(name, { state: 'finished', outcome, undoable: undo !== undefined })
    this.#log.info({ step: name }, 'step finished')
    return readJson(outcome) as T
  }

  async #write(name: string, state: StepWrite, outcome?: string): Promise<void> {
    const written = await persist(() => this.#work.step(this.#claim, name, state, outcome), this.#log)
    if (written !== 'ok') this.#abort.abort(new AttemptAborted(written === 'stale' ? 'fenced' : 'canceled'))
    this.#abort.signal.throwIfAborted()
  }
}

function outcomeText(name: string, value: unknown): string {
  const text = JSON.stringify(value ?? null)
  if (text === undefined) throw new TypeError(`what the step '${name}' returned is not JSON`)
  if (Buffer.byteLength(text) > RESULT_MAX_BYTES)
    throw new TypeError(`what the step '${name}' returned is larger than ${RESULT_MAX_BYTES} bytes`)
  return text
}
