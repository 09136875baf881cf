import type { OverQuota, SubmissionOutcome } from '@accepted/core'
import { ProblemError } from '../problem.ts'

const DETAILS: Record<OverQuota['quota'], (used: number, limit: number) => string> = {
  waiting: (used, limit) => `${used} of your tasks wait in the lane, and ${limit} may now.`,
  stored: (used, limit) => `Your tasks take ${used} bytes, and may take ${limit}.`,
}

/** The refusal of a start for which its tenant has no room. */
export function quotaExceeded({ quota, limit, used }: OverQuota, retryAfter: number): ProblemError {
  return new ProblemError('quota_exceeded', DETAILS[quota](used, limit), {
    headers: { 'retry-after': String(retryAfter) },
    members: { quota, limit, used },
  })
}

/** The refusal of a start that would not fit if its tenant had nothing else: to repeat it does not help. */
export function neverFits({
  bytes,
  limitBytes,
}: Extract<SubmissionOutcome, { outcome: 'never_fits' }>): ProblemError {
  return new ProblemError(
    'too_large',
    `The task would take ${bytes} bytes, and all of your tasks together may take ${limitBytes}.`,
  )
}
