import type { OperationContract } from '@accepted/contract'
import type { Static, TObject, TSchema } from 'typebox'
import type { ResourceSpace } from './resources/resource-space.ts'

/** A logger that is bound to the task and the attempt. */
export interface HandlerLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
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
  /** Aborts when the attempt must end: the worker stops, or another worker has taken the task over. */
  signal: AbortSignal
  log: HandlerLog
  /** Where the tenant's resources are kept. */
  resources: ResourceSpace
  /**
   * Runs a named part of the work. Its outcome is stored before `step` resolves; a later attempt does not run it again
   * but is handed the stored outcome, which is why that must be JSON.
   *
   * @throws what `run` throws, and an `AbortError` once the attempt must end
   */
  step<T>(name: Step, run: () => Promise<T> | T): Promise<T>
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
