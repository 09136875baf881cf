import { asText, type TaskError, type TaskErrorKind, taskError } from '@accepted/contract'
import { type Ending, faultsInWords, type Logger, readJson } from '@accepted/core'
import type { PermanentError, RetryableError } from '@accepted/operations'
import type { RunnableOperation } from './runnable-operation.ts'

/** Most bytes that a result, or the outcome of a step, may have as JSON. */
export const RESULT_MAX_BYTES = 1024 * 1024
/** What a `Location` may hold. */
const PATH = /^\/[\x21-\x7e]{0,2047}$/

const NOTHING = { result: null, resource: null, error: null } as const

/** What is over of a task that is canceling, its attempt or its undoing; the record knows how the task ends. */
export const SETTLED: Ending = { ...NOTHING, status: 'canceled', reason: 'client' }
/** The last attempt took too long. */
export const TIMED_OUT: Ending = { ...NOTHING, status: 'failed', reason: 'run_timeout' }
const INVALID_RESULT: Ending = { ...NOTHING, status: 'failed', reason: 'invalid_result' }

const SLUG = /^[a-z][a-z0-9_]{0,63}$/

/** A handler's error as callers see it; a message is cut to 2,000 characters, a code that is no slug is that of its kind. */
export function toldError(
  kind: TaskErrorKind,
  { message, code }: { message: string; code: string | undefined },
): TaskError {
  const slug = typeof code === 'string' && SLUG.test(code) ? code : undefined
  return taskError(kind, asText(message) || undefined, slug)
}

/** The handler said that no attempt can succeed. */
export function failedForGood(said: PermanentError): Ending {
  const error = toldError('permanent_error', said)
  return { ...NOTHING, status: 'failed', reason: 'permanent_error', error }
}

/** @param last what the last attempt said to callers, if it said anything */
export function exhausted(last: RetryableError | null): Ending {
  const error = last && toldError('attempts_exhausted', last)
  return { ...NOTHING, status: 'failed', reason: 'attempts_exhausted', error }
}

/** Undoing failed for good; the record knows at which step. */
export const NOT_REVERTED: Ending = { ...NOTHING, status: 'failed', reason: 'revert_failed' }

/** How a task ends whose handler returned: completed, or failed if what it returned breaks the contract. */
export function endingOf({ contract, outputFaults }: RunnableOperation, value: unknown, log: Logger): Ending {
  const invalid = (why: string): Ending => {
    log.error({ why }, 'the handler returned what its contract refuses')
    return INVALID_RESULT
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
  const result = readJson(text)
  const faults = outputFaults(result)
  if (faults.length > 0) return invalid(faultsInWords(faults))
  let resource: string | null
  try {
    resource = contract.resource?.(result as never) ?? null
  } catch (error) {
    return invalid(`its resource cannot be told: ${(error as Error).message}`)
  }
  if (resource !== null && !PATH.test(resource))
    return invalid('its resource is not a path of at most 2,048 visible ASCII characters')
  return { status: 'completed', reason: null, result: text, resource, error: null }
}
