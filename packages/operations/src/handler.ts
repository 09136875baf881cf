import type { OperationContract } from '@accepted/contract'
import type { Static, TObject, TSchema } from 'typebox'
import type { ResourceSpace } from './resources/resource-space.ts'

/** A logger that is bound to the task and the attempt. */
export interface HandlerLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** What belongs to a step besides its work. */
export interface StepOptions<T> {
  /**
   * Takes back what the step did: after it finished, or if it was cut off (its worker died, or it ignored its signal), when
   * nobody knows how far it came. A step that throws is not undone: it has to leave nothing behind by itself. What an undo
   * throws is logged and it is tried again, with backoff; a `PermanentError`, or too many tries, end the task as `failed`,
   * `revert_failed`.
   *
   * @param outcome what the step returned, as JSON gives it back; undefined if it was cut off
   * @param signal aborts when this try must end
   */
  undo?: (outcome: T | undefined, signal: AbortSignal) => Promise<void> | void
}

/** What a handler is given for one attempt. */
export interface HandlerContext<Input, Step extends string, Settings> {
  /** The input, valid by the contract's schema. */
  input: Input
  taskId: string
  tenant: string
  /** 1 for the first; an attempt that a stopping worker gave back does not count. */
  attempt: number
  /** The operation's own settings, read from the environment by the contract's schema. */
  settings: Settings
  /**
   * Aborts when the attempt must end: the task is canceled, its time is over, the worker stops, or another worker has taken
   * the task over. A handler that ignores it is cut off: what it does from then on counts for nothing.
   */
  signal: AbortSignal
  log: HandlerLog
  /** Where the tenant's resources are kept. */
  resources: ResourceSpace
  /**
   * Runs a named part of the work. Its outcome is stored before `step` resolves; a later attempt does not run it again
   * but is handed the stored outcome, which is why that must be JSON.
   *
   * If the task is canceled, misses a deadline, fails or is not confirmed, steps that have an `undo` are undone, newest
   * first, perhaps by another worker: that calls the handler again, up to the first step that is not finished, only to learn
   * the undos. So what an undo needs must come from the input and from outcomes. It may run more than once.
   *
   * @throws what `run` throws, and an `AbortError` once the attempt must end
   */
  step<T>(name: Step, run: () => Promise<T> | T, options?: StepOptions<T>): Promise<T>
  /** Tells how far the work is: percent, 0…100. Never moves down within an attempt; the newest of a burst is kept. */
  progress(percent: number): void
}

/** The work of an operation: runs once an attempt, returns what the contract's output schema says. */
export type Handler<Input, Output, Step extends string, Settings> = (
  context: HandlerContext<Input, Step, Settings>,
) => Promise<Output>

/** A contract with the code that fulfils it. */
export interface HandledOperation {
  contract: OperationContract
  // The types of input, settings and steps are the contract's; at run time its schemas have checked them.
  handle: Handler<never, unknown, never, never>
}

/** Binds a handler to its contract, which gives it its types. */
export function handle<
  Input extends TObject,
  Output extends TSchema,
  Step extends string,
  Settings extends TObject,
>(
  contract: OperationContract<Input, Output, Step, Settings>,
  handler: Handler<Static<Input>, Static<Output>, Step, Static<Settings>>,
): HandledOperation {
  return {
    contract: contract as unknown as OperationContract,
    handle: handler as unknown as HandledOperation['handle'],
  }
}

/**
 * Thrown by a handler when no further attempt can succeed. The task ends as `failed`, `permanent_error`; unlike that of
 * any other error, its message is shown to callers.
 */
export class PermanentError extends Error {
  override name = 'PermanentError'
  /** Stable slug, `permanent_error` if the handler has no better. */
  readonly code: string

  constructor(message: string, options: ErrorOptions & { code?: string } = {}) {
    super(message, options)
    this.code = options.code ?? 'permanent_error'
  }
}

/**
 * Thrown by a handler when a later attempt may succeed. Like any other error, but that its message is shown to callers, and
 * that it can say when.
 */
export class RetryableError extends Error {
  override name = 'RetryableError'
  /** How long the next attempt waits; undefined: by the operation's backoff. */
  readonly delaySeconds: number | undefined
  /** Stable slug. */
  readonly code: string | undefined

  constructor(message: string, options: ErrorOptions & { delaySeconds?: number; code?: string } = {}) {
    super(message, options)
    this.delaySeconds = options.delaySeconds
    this.code = options.code
  }
}
