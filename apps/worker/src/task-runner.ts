import { setTimeout as pause } from 'node:timers/promises'
import { taskError } from '@accepted/contract'
import { type Claim, type Ending, isStoreAway, type Logger, type Work } from '@accepted/core'
import {
  type HandledOperation,
  PermanentError,
  type ResourceSpace,
  RetryableError,
} from '@accepted/operations'
import { runAttempt, type Settled } from './attempt.ts'
import { AttemptAborted, causeOf } from './attempt-aborted.ts'
import { backoffMs } from './backoff.ts'
import { endingOf, exhausted, failedForGood, NOT_REVERTED, SETTLED, TIMED_OUT, toldError } from './endings.ts'
import { persist } from './persist.ts'
import { type RunnableOperation, runnable } from './runnable-operation.ts'
import { UndoFailed, undoSteps } from './undo.ts'

/** After a fault of the store in a handler, before the next task is claimed. */
const STORE_PAUSE_MS = 1_000

const FENCED = 'fenced off: another worker has the task'

/** What the runner needs. */
export interface RunnerDependencies {
  work: Work
  operations: Map<string, HandledOperation>
  /** Where a tenant's resources are kept. */
  resourcesOf: (tenant: string) => ResourceSpace
  /** The environment, from which handlers' own settings are read. */
  environment: Record<string, string | undefined>
  log: Logger
  /** 0 ≤ x < 1 */
  random: () => number
}

/**
 * Runs what it claims: attempts of tasks, and the undoing of those that are canceling. Each ends in exactly one way: the task
 * ended or awaits confirmation, it is due again later, it went back to its flow since the worker stops, or it was fenced off
 * and nothing more is written.
 */
export class TaskRunner {
  readonly #work: Work
  readonly #resourcesOf: RunnerDependencies['resourcesOf']
  readonly #log: Logger
  readonly #random: () => number
  readonly #operations = new Map<string, RunnableOperation>()
  readonly #held = new Map<AbortController, Claim>()
  /** Operations of tasks that were left to another worker. */
  readonly #unknown = new Set<string>()
  #stopping = false

  /** @throws {SettingsError} if an operation's own settings are faulty */
  constructor({ work, operations, resourcesOf, environment, log, random }: RunnerDependencies) {
    this.#work = work
    this.#resourcesOf = resourcesOf
    this.#log = log
    this.#random = random
    for (const [name, operation] of operations) this.#operations.set(name, runnable(operation, environment))
  }

  /** Gives the tasks that it holds back to their flows. */
  stop(): void {
    this.#stopping = true
    for (const abort of this.#held.keys()) abort.abort(new AttemptAborted('stopping'))
  }

  /** Renews the leases of what it holds; what it has lost is aborted, and attempts whose task is canceling are. */
  async renew(): Promise<void> {
    const held = [...this.#held]
    const { stale, canceling } = await this.#work.renew(held.map(([, claim]) => claim))
    for (const [abort, claim] of held) {
      if (stale.includes(claim)) abort.abort(new AttemptAborted('fenced'))
      else if (canceling.includes(claim)) this.#cancel(abort, claim)
    }
  }

  /** Aborts the attempt of a task that is canceling, if this runner holds it. */
  cancel(taskId: string): void {
    for (const [abort, claim] of this.#held) {
      if (claim.task.taskId === taskId) this.#cancel(abort, claim)
    }
  }

  /** Whether it holds nothing. */
  get idle(): boolean {
    return this.#held.size === 0
  }

  /**
   * Claims the task whose turn it is and runs or undoes it, or leaves it to a worker that knows its operation; resolves to
   * whether there was one.
   */
  async runNext(shard: number, lane: string): Promise<boolean> {
    const claim = await this.#work.claim(shard, lane, this.#operations.keys())
    if (!claim) return false
    if ('unknown' in claim) {
      this.#leave(claim.unknown)
      return true
    }
    const { task } = claim
    const log = this.#log.child({
      task: task.taskId,
      operation: task.operation,
      attempt: task.attempt,
      request: task.head.requestId,
      trace: task.head.traceparent.split('-')[1],
    })
    const operation = this.#operations.get(task.operation)!
    if (task.status === 'canceling') await this.#undo(claim, operation, log)
    else await this.#run(claim, operation, log)
    return true
  }

  /** One word an operation: of a version that is being rolled out there may be many tasks. */
  #leave(operation: string): void {
    if (this.#unknown.has(operation)) return
    this.#unknown.add(operation)
    this.#log.warn(
      { operation },
      'this worker does not know the operation; its tasks are left to one that does',
    )
  }

  // What undoes is not what is canceled.
  #cancel(abort: AbortController, { task }: Claim): void {
    if (task.status !== 'canceling') abort.abort(new AttemptAborted('canceled'))
  }

  async #run(claim: Claim, operation: RunnableOperation, log: Logger): Promise<void> {
    log.info('attempt started')
    const resources = this.#resourcesOf(claim.task.tenant)
    const settled = await this.#holding(claim, (abort) =>
      runAttempt({ work: this.#work, claim, operation, resources, abort, log }),
    )
    const next = await this.#conclude(claim, operation, settled, log)
    if (next) await this.#undo(next, operation, log)
  }

  /** Holds a claim, within its time, as long as something goes on with it. */
  async #holding<T>(claim: Claim, go: (abort: AbortController) => Promise<T>): Promise<T> {
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(new AttemptAborted('timed_out')), claim.task.runMs)
    this.#held.set(abort, claim)
    if (this.#stopping) abort.abort(new AttemptAborted('stopping'))
    try {
      return await go(abort)
    } finally {
      clearTimeout(timer)
      this.#held.delete(abort)
    }
  }

  /** Writes what an attempt came to; resolves to the claim to undo under, if that is to follow. */
  async #conclude(
    claim: Claim,
    operation: RunnableOperation,
    settled: Settled,
    log: Logger,
  ): Promise<Claim | null> {
    if (settled.kind === 'returned') return this.#end(claim, endingOf(operation, settled.value, log), log)
    if (settled.kind === 'threw') return this.#fail(claim, operation, settled.error, log)
    switch (settled.why) {
      case 'canceled':
        return this.#end(claim, SETTLED, log)
      case 'timed_out':
        return this.#timeOut(claim, operation, log)
      case 'stopping':
        return this.#release(claim, log)
      default:
        log.warn(FENCED)
        return null
    }
  }

  async #fail(
    claim: Claim,
    { contract }: RunnableOperation,
    error: unknown,
    log: Logger,
  ): Promise<Claim | null> {
    if (error instanceof PermanentError) {
      log.warn({ err: error }, 'attempt failed for good')
      return this.#end(claim, failedForGood(error), log)
    }
    if (isStoreAway(error)) {
      log.warn({ err: error }, 'the store was away under the handler; its task waits again')
      await persist(() => this.#work.release(claim), log)
      await pause(STORE_PAUSE_MS)
      return null
    }
    log.error({ err: error }, 'attempt failed')
    const told = error instanceof RetryableError ? error : null
    if (claim.task.attempt >= claim.task.maxAttempts) return this.#end(claim, exhausted(told), log)
    const shown = told ? toldError('attempt_failed', told) : taskError('attempt_failed')
    const usual = backoffMs(contract.backoff, claim.task.attempt, this.#random())
    return this.#retry(claim, ownDelayMs(told) ?? usual, shown, log)
  }

  async #timeOut(claim: Claim, { contract }: RunnableOperation, log: Logger): Promise<Claim | null> {
    log.warn('attempt timed out')
    if (claim.task.attempt >= claim.task.maxAttempts) return this.#end(claim, TIMED_OUT, log)
    const delayMs = backoffMs(contract.backoff, claim.task.attempt, this.#random())
    return this.#retry(claim, delayMs, taskError('run_timeout'), log)
  }

  async #retry(
    claim: Claim,
    delayMs: number,
    error: ReturnType<typeof taskError>,
    log: Logger,
  ): Promise<Claim | null> {
    const outcome = await persist(() => this.#work.retry(claim, delayMs, error), log)
    if (outcome === 'canceling') return this.#end(claim, SETTLED, log)
    log.info({ outcome, delayMs: Math.round(delayMs) }, 'next attempt is due')
    return null
  }

  async #release(claim: Claim, log: Logger): Promise<null> {
    const outcome = await persist(() => this.#work.release(claim), log)
    log.info({ outcome }, 'given back: the worker stops')
    return null
  }

  async #end(claim: Claim, ending: Ending, log: Logger): Promise<Claim | null> {
    const ended = await persist(() => this.#work.end(claim, ending), log)
    if (ended.outcome === 'undo') return ended.claim
    if (ended.outcome === 'stale') {
      log.warn(FENCED)
      return null
    }
    const awaits = ended.status === 'awaiting_confirmation'
    log.info(ended, awaits ? 'task awaits confirmation' : 'task ended')
    return null
  }

  async #undo(claim: Claim, operation: RunnableOperation, log: Logger): Promise<void> {
    log.info({ reason: claim.task.reason }, 'undoing started')
    const resources = this.#resourcesOf(claim.task.tenant)
    const why = await this.#holding(claim, async (abort) => {
      try {
        await undoSteps({ work: this.#work, claim, operation, resources, abort, log })
        await this.#end(claim, SETTLED, log)
      } catch (error) {
        if (error instanceof UndoFailed) await this.#undoFailed(claim, operation, error, log)
        else if (!abort.signal.aborted) throw error
      }
      return causeOf(abort.signal)
    })
    if (why === 'stopping') await this.#release(claim, log)
    else if (why === 'fenced') log.warn(FENCED)
  }

  async #undoFailed(
    claim: Claim,
    { contract }: RunnableOperation,
    { step, progressed, cause }: UndoFailed,
    log: Logger,
  ): Promise<void> {
    if (isStoreAway(cause)) {
      log.warn({ err: cause }, 'the store was away under an undo; it is tried again')
      await persist(() => this.#work.release(claim), log)
      return void (await pause(STORE_PAUSE_MS))
    }
    const tries = 1 + (progressed ? 0 : claim.undos)
    log.error({ err: cause, step, tries }, 'a step was not undone')
    if (cause instanceof PermanentError || tries >= contract.undoAttempts) {
      await this.#end(claim, NOT_REVERTED, log)
      return
    }
    const delayMs = backoffMs(contract.backoff, tries, this.#random())
    await persist(() => this.#work.retry(claim, delayMs, null), log)
  }
}

/** How long a handler wants its next attempt to wait; null if it does not say, or not in a number. */
function ownDelayMs(error: RetryableError | null): number | null {
  const seconds = error?.delaySeconds
  return typeof seconds === 'number' && seconds >= 0 && Number.isFinite(seconds) ? seconds * 1000 : null
}
