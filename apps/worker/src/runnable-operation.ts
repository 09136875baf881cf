import {
  type Check,
  compileCheck,
  faultsInWords,
  type Logger,
  readJson,
  readSettings,
  type TaskRecord,
} from '@accepted/core'
import {
  type HandledOperation,
  PermanentError,
  type ResourceSpace,
  type StepOptions,
} from '@accepted/operations'

/** An operation as this worker runs it. */
export interface RunnableOperation extends HandledOperation {
  settings: unknown
  inputFaults: Check
  outputFaults: Check
}

/**
 * Prepares an operation: its settings are read, its schemas compiled.
 *
 * @throws {SettingsError} if its own settings are faulty
 */
export function runnable(
  operation: HandledOperation,
  environment: Record<string, string | undefined>,
): RunnableOperation {
  const { contract } = operation
  return {
    ...operation,
    settings: readSettings(contract.settings, environment),
    inputFaults: compileCheck(contract.input),
    outputFaults: compileCheck(contract.output),
  }
}

/** What a handler is given that differs between an attempt and undoing. */
export interface HandlerFacilities {
  signal: AbortSignal
  log: Logger
  resources: ResourceSpace
  step: <T>(name: string, run: () => Promise<T> | T, options?: StepOptions<T>) => Promise<T>
  progress: (percent: number) => void
}

/**
 * Calls the handler of a task.
 *
 * @throws what the handler throws; {PermanentError} if this worker's contract refuses what the API's accepted
 */
export async function callHandler(
  task: TaskRecord,
  { handle, settings, inputFaults }: RunnableOperation,
  facilities: HandlerFacilities,
): Promise<unknown> {
  const input = { ...(task.body ? (readJson(task.body) as object) : {}), ...task.head.params }
  const faults = inputFaults(input)
  if (faults.length > 0) {
    throw new PermanentError(`the input does not fit the operation any more: ${faultsInWords(faults)}`, {
      code: 'invalid_input',
    })
  }
  const run = handle as (context: unknown) => Promise<unknown>
  return run({
    input,
    taskId: task.taskId,
    tenant: task.tenant,
    attempt: task.attempt,
    settings,
    ...facilities,
  })
}
