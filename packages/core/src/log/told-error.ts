import { printable } from './printable.ts'
import { withoutSecrets } from './without-secrets.ts'

const MOST_MESSAGE = 1_000
const MOST_STACK = 6_000
const MOST_CODE = 100
/** Errors within an error. */
const DEEPEST = 4
const MOST_ERRORS = 5

/** What the log tells of an error. */
export interface ToldError {
  type: string
  message: string
  stack?: string
  code?: string | number
  cause?: ToldError
  errors?: ToldError[]
}

/**
 * What the log tells of an error: its words, where it came from, and the errors behind it, each cut to a length. Nothing
 * else that libraries hang on it is told: of a command that Redis refused, its arguments, the password among them; of a request, its
 * header and body.
 *
 * @throws what the error does when it is looked at: see `canBeLogged`
 */
export function toldError(error: unknown): ToldError {
  return told(error, DEEPEST)
}

function told(error: unknown, deeper: number): ToldError {
  if (!(error instanceof Error)) return { type: typeof error, message: shown(wordsOf(error), MOST_MESSAGE) }
  const { name, message, stack, cause } = error
  const { code } = error as { code?: unknown }
  const errors = error instanceof AggregateError ? error.errors.slice(0, MOST_ERRORS) : []
  return {
    type: shown(error.constructor?.name || name, MOST_CODE),
    message: shown(message, MOST_MESSAGE),
    ...(stack ? { stack: shown(stack, MOST_STACK) } : {}),
    ...(typeof code === 'number' ? { code } : {}),
    ...(typeof code === 'string' ? { code: shown(code, MOST_CODE) } : {}),
    ...(cause !== undefined && deeper > 0 ? { cause: told(cause, deeper - 1) } : {}),
    ...(errors.length > 0 && deeper > 0 ? { errors: errors.map((each) => told(each, deeper - 1)) } : {}),
  }
}

/** What was thrown though it is no error: text as it is, anything else by its kind alone. */
function wordsOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  return `what was thrown is no error but ${Object.prototype.toString.call(thrown)}`
}

function shown(text: string, most: number): string {
  const clean = printable(withoutSecrets(text.slice(0, 2 * most)), true)
  return clean.length > most ? `${clean.slice(0, most)}…` : clean
}
