import { ProblemError } from '../problem.ts'
import type { Access, OPEN } from './access.ts'

const REALM = 'Bearer realm="accepted"'

/** 401 to a request without a credential (RFC 6750 §3.1: then nothing is said of an error). */
export function noCredential(): ProblemError {
  return new ProblemError('unauthenticated', 'The request has no key: Authorization: Bearer acc_….', {
    headers: { 'www-authenticate': REALM },
  })
}

/** 401 to a credential that is refused. @param detail without quotes and backslashes, and nothing of the credential itself */
export function invalidCredential(detail: string, cause?: unknown): ProblemError {
  return new ProblemError('unauthenticated', detail, {
    headers: { 'www-authenticate': `${REALM}, error="invalid_token", error_description="${detail}"` },
    cause,
  })
}

/** 403 to a credential that has none of the scopes. */
export function forbidden([scope]: Exclude<Access, typeof OPEN>): ProblemError {
  return new ProblemError('forbidden', `This takes a key with the scope ${scope}.`, {
    headers: { 'www-authenticate': `${REALM}, error="insufficient_scope", scope="${scope}"` },
  })
}
