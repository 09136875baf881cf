import { setTimeout as pause } from 'node:timers/promises'
import type { Backoff } from '@accepted/contract'
import {
  type Check,
  type Claim,
  compileCheck,
  type Ending,
  isOutage,
  type Logger,
  readSettings,
  type SchemaFault,
  type TaskRecord,
  type Work,
} from '@accepted/core'
import { type HandledOperation, PermanentError, type ResourceSpace } from '@accepted/operations'
import { backoffMs } from './backoff.ts'
import { persist } from './persist.ts'
import { Progress } from './progress.ts'
import { type AbortCause, AttemptAborted, Steps } from './steps.ts'
import { taskError } from './task-errors.ts'

const RESULT_MAX_BYTES = 1024 * 1024
/** After a fault of the store in a handler, before the next task is claimed. */
const STORE_PAUSE_MS = 1_000
/** What a `Location` may hold. */
const PATH = /^\/[\x21-\x7e]*$/
/** A worker of another version may know it. */
const UNKNOWN_OPERATION: Backoff = { firstMs: 1_000, maxMs: 60_000 }

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

interface RunnableOperation extends HandledOperation {
  settings: unknown
  inputFaults: Check
  outputFaults: Check
}

type Settled =
  | { kind: 'returned'; value: unknown }
  | { kind: 'threw'; error: unknown }
  | { kind: 'aborted'; why: AbortCause }

/**
 * Runs attempts: claim → steps → end. An attempt ends in exactly one way: the task ended, its next attempt is due, it
 * went back to its flow since the worker stops, or it was fenced off and nothing more is written.
 */
export class TaskRunner {
  readonly #work: Work
  readonly #resourcesOf: RunnerDependencies['resourcesOf']
  readonly #log: Logger
  readonly #random: () => number
  readonly #operations = new Map<string, RunnableOperation>()
  readonly #running = new Map<AbortController, Claim>()
  #stopping = false

  /** @throws {SettingsError} if an operation's own settings are faulty */
  constructor({ work, operations, resourcesOf, environment, log, random }: RunnerDependencies) {
    this.#work = work
    this.#resourcesOf = resourcesOf
    this.#log = log
    this.#random = random
    for (const [name, operation] of operations) {
      this.#operations.set(name, {
        ...operation,
        settings: readSettings(operation.contract.settings, environment),
        inputFaults: compileCheck(operation.contract.input),
        outputFaults: compileCheck(operation.contract.output),
      })
    }
  }

  /** Gives the running tasks back to their flows. */
  stop(): void {
    this.#stopping = true
    for (const abort of this.#running.keys()) abort.abort(new AttemptAborted('stopping'))
  }

  /** Renews the leases of the running attempts; one that has lost its own is aborted. */
  async renew(): Promise<void> {
    const running = [...this.#running]
    const lost = await this.#work.renew(running.map(([, claim]) => claim))
    for (const [abort, claim] of running) {
      if (lost.includes(claim)) abort.abort(new AttemptAborted('fenced'))
    }
  }

  /** Whether no attempt is under way. */
  get idle(): boolean {
    return this.#running.size === 0
  }

  /** Claims the task whose turn it is and runs one attempt of it; resolves to whether there was one. */
  async runNext(shard: number, lane: string): Promise<boolean> {
    const claim = await this.#work.claim(shard, lane)
    if (!claim) return false
    const { task } = claim
    const log = this.#log.child({
      task: task.taskId,
      operation: task.operation,
      attempt: task.attempt,
      request: task.head.requestId,
      trace: task.head.traceparent.split('-')[1],
    })
    log.info('attempt started')
    const operation = this.#operations.get(task.operation)
    if (operation) await this.#run(claim, operation, log)
    else await this.#fail(claim, UNKNOWN_OPERATION, new Error('this worker does not know the operation'), log)
    return true
  }

  async #run(claim: Claim, operation: RunnableOperation, log: Logger): Promise<void> {
    const abort = new AbortController()
    this.#running.set(abort, claim)
    try {
      await this.#conclude(claim, operation, await this.#attempt(claim, operation, abort, log), log)
    } finally {
      this.#running.delete(abort)
    }
  }

  async #attempt(
    claim: Claim,
    operation: RunnableOperation,
    abort: AbortController,
    log: Logger,
  ): Promise<Settled> {
    const { signal } = abort
    // A handler that ignores its signal is not waited for: its later writes are refused.
    const aborted = new Promise<Settled>((resolve) => {
      signal.addEventListener('abort', () => resolve({ kind: 'aborted', why: signal.reason.why }), {
        once: true,
      })
    })
    if (this.#stopping) abort.abort(new AttemptAborted('stopping'))
    const steps = new Steps(this.#work, claim, abort, log)
    const progress = new Progress(async (percent) => {
      try {
        if ((await this.#work.progress(claim, percent)) === 'stale') abort.abort(new AttemptAborted('fenced'))
      } catch (error) {
        log.warn({ err: error }, 'progress was not stored')
      }
    })
    const settled = await Promise.race([
      this.#handle(claim, operation, { signal, steps, progress, log }),
      aborted,
    ])
    await progress.stop()
    return settled
  }

  async #handle(
    { task }: Claim,
    { handle, settings, inputFaults }: RunnableOperation,
    { signal, steps, progress, log }: { signal: AbortSignal; steps: Steps; progress: Progress; log: Logger },
  ): Promise<Settled> {
    const run = handle as (context: unknown) => Promise<unknown>
    try {
      const value = await run({
        input: inputOf(task, inputFaults),
        taskId: task.taskId,
        tenant: task.tenant,
        attempt: task.attempt,
        settings,
        signal,
        log,
        resources: this.#resourcesOf(task.tenant),
        step: (name: string, body: () => unknown) => steps.run(name, body),
        progress: (percent: number) => progress.set(percent),
      })
      return { kind: 'returned', value }
    } catch (error) {
      return { kind: 'threw', error }
    }
  }

  async #conclude(claim: Claim, operation: RunnableOperation, settled: Settled, log: Logger) {
    switch (settled.kind) {
      case 'returned':
        return this.#end(claim, endingOf(operation, settled.value, log), log)
      case 'threw':
        return this.#fail(claim, operation.contract.backoff, settled.error, log)
      case 'aborted':
        if (settled.why === 'stopping') return this.#release(claim, log)
        return log.warn('attempt fenced off: another worker has the task')
    }
  }

  async #release(claim: Claim, log: Logger): Promise<void> {
    const outcome = await persist(() => this.#work.release(claim), log)
    log.info({ outcome }, 'attempt given back: the worker stops')
  }

  async #fail(claim: Claim, backoff: Backoff, error: unknown, log: Logger): Promise<void> {
    const { task } = claim
    if (error instanceof PermanentError) {
      log.warn({ err: error }, 'attempt failed for good')
      const shown = taskError('permanent_error', error.message, error.code)
      return this.#end(claim, { ...FAILED, reason: 'permanent_error', error: shown }, log)
    }
    if (isOutage(error)) {
      log.warn({ err: error }, 'the store was away under the handler; its task waits again')
      await persist(() => this.#work.release(claim), log)
      return void (await pause(STORE_PAUSE_MS))
    }
    log.error({ err: error }, 'attempt failed')
    if (task.attempt >= task.head.maxAttempts) {
      return this.#end(
        claim,
        { ...FAILED, reason: 'attempts_exhausted', error: taskError('attempts_exhausted') },
        log,
      )
    }
    const delayMs = backoffMs(backoff, task.attempt, this.#random())
    const outcome = await persist(() => this.#work.retry(claim, delayMs, taskError('attempt_failed')), log)
    log.info({ outcome, delayMs: Math.round(delayMs) }, 'next attempt is due')
  }

  async #end(claim: Claim, ending: Ending, log: Logger): Promise<void> {
    const outcome = await persist(() => this.#work.end(claim, ending), log)
    log.info({ outcome, status: ending.status, reason: ending.reason }, 'task ended')
  }
}

const FAILED = { status: 'failed', result: null, resource: null } as const

/**
 * The input as the contract's schema completes it.
 *
 * @throws {PermanentError} if this worker's contract refuses what the API's accepted
 */
function inputOf(task: TaskRecord, inputFaults: Check): unknown {
  const input = { ...(task.body ? JSON.parse(task.body) : {}), ...task.head.params }
  const faults = inputFaults(input)
  if (faults.length === 0) return input
  throw new PermanentError(`the input does not fit the operation any more: ${inWords(faults)}`, {
    code: 'invalid_input',
  })
}

function inWords(faults: SchemaFault[]): string {
  return faults.map(({ pointer, detail }) => `${pointer || 'it'} ${detail}`).join('; ')
}

/** How a task ends whose handler returned: completed, or failed if what it returned breaks the contract. */
function endingOf({ contract, outputFaults }: RunnableOperation, value: unknown, log: Logger): Ending {
  const invalid = (why: string): Ending => {
    log.error({ why }, 'the handler returned what its contract refuses')
    return { ...FAILED, reason: 'invalid_result', error: taskError('invalid_result') }
  }
  let text: string | undefined
  try {
    text = JSON.stringify(value ?? null)
  } catch (error) {
    return invalid(`it is not JSON: ${(error as Error).message}`)
  }
  if (text === undefined) return invalid('it is not JSON')
  if (Buffer.byteLength(text) > RESULT_MAX_BYTES)
    return invalid(`it is larger than ${RESULT_MAX_BYTES} bytes`)
  const result: unknown = JSON.parse(text)
  const faults = outputFaults(result)
  if (faults.length > 0) return invalid(inWords(faults))
  let resource: string | null
  try {
    resource = contract.resource?.(result as never) ?? null
  } catch (error) {
    return invalid(`its resource cannot be told: ${(error as Error).message}`)
  }
  if (resource !== null && !PATH.test(resource)) return invalid('its resource is not a path in visible ASCII')
  return { status: 'completed', reason: null, result: text, resource, error: null }
}
