import { DEFAULT_TENANT, type Scope } from '@accepted/contract'
import { ANYBODY_NAME } from '@accepted/core'
import type { Access, OPEN } from './access.ts'
import { forbidden } from './challenges.ts'

/** Who sends a request, by its credential. */
export interface Caller {
  /** Whose tasks and resources the request sees. */
  readonly tenant: string
  /** Who it is, for logs and the audit trail: at most 200 characters, harmless. */
  readonly name: string
  may(scope: Scope): boolean
  /** Whether the credential still holds, as far as is known. To be asked now and then while the request is held. */
  holds(): boolean
}

/** Finds out who sends a request by its field `Authorization`. @throws {ProblemError} `unauthenticated` @throws {StoreUnavailable} */
export type Authenticate = (authorization: string | undefined) => Caller | Promise<Caller>

/** Everybody, where nobody is asked. */
export const ANYBODY: Caller = {
  tenant: DEFAULT_TENANT,
  name: ANYBODY_NAME,
  may: () => true,
  holds: () => true,
}

/** @throws {ProblemError} `forbidden`, unless the caller has one of the scopes */
export function refuseUnless(caller: Caller, scopes: Exclude<Access, typeof OPEN>): void {
  if (!scopes.some((scope) => caller.may(scope))) throw forbidden(scopes)
}
