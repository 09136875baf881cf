import { asText, type InputFault, MOST_INPUT_FAULTS, PROBLEMS, type ProblemCode } from '@accepted/contract'

/** What a problem can say beyond its kind. */
export interface ProblemOptions {
  errors?: InputFault[]
  headers?: Record<string, string>
  /** Members of its own, such as how an expired task ended. */
  members?: Record<string, unknown>
  cause?: unknown
}

/** Thrown by a route to answer with a problem document. Carries only its code and what was written for the caller. */
export class ProblemError extends Error {
  override name = 'ProblemError'
  readonly code: ProblemCode
  readonly options: ProblemOptions

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause })
    this.code = code
    this.options = options
  }

  get status(): number {
    return PROBLEMS[this.code].status
  }
}

/** @param type as the request has it; undefined if it has none */
export function unsupportedMediaType(type: string | undefined, cause?: unknown): ProblemError {
  const named = type ?? 'no type at all'
  return new ProblemError('unsupported_media_type', `A body of ${named.slice(0, 100)} is not read here.`, {
    cause,
  })
}

/** The body of a 422 that names its faults. */
export function invalidInput(errors: InputFault[]): ProblemError {
  const places = errors.length === 1 ? 'One place is' : `${errors.length} places are`
  return new ProblemError('invalid_input', `${places} at fault; see errors.`, { errors })
}

/**
 * The problem document (RFC 9457) as JSON text.
 *
 * @param numericStatus whether it has the member `status`; pollers of the `operation` family take one for a task's
 */
export function problemDocument(problem: ProblemError, publicUrl: string, numericStatus: boolean): string {
  const { title, status } = PROBLEMS[problem.code]
  return JSON.stringify({
    type: `${publicUrl}/problems/${problem.code}`,
    title,
    ...(numericStatus ? { status } : {}),
    detail: asText(problem.message),
    code: problem.code,
    ...(problem.options.errors
      ? { errors: problem.options.errors.slice(0, MOST_INPUT_FAULTS).map(told) }
      : {}),
    ...problem.options.members,
  })
}

/** A fault as it is told: what comes from the request in it may be of any length, and of any characters. */
function told({ pointer, query, header, line, detail }: InputFault): InputFault {
  return {
    ...(line === undefined ? {} : { line }),
    ...(pointer === undefined ? {} : { pointer: fragment(pointer) }),
    ...(query === undefined ? {} : { query: asText(query) }),
    ...(header === undefined ? {} : { header: asText(header) }),
    detail: asText(detail),
  }
}

/** A JSON Pointer as a URI fragment (RFC 6901 §6). */
function fragment(pointer: string): string {
  return `#${encodeURI(pointer.slice(1).toWellFormed()).replaceAll('#', '%23')}`
}
