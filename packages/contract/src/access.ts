import { isOperationName } from './operation.ts'

/** The scopes that are not of one operation. */
const GENERAL_SCOPES = ['tasks:read', 'tasks:write', 'admin'] as const
const OPERATION = 'operation:'
const MOST_CHARACTERS = 128

/** What a credential allows: to read, to start and act, to start one operation, to look after the tenant and the installation. None holds another. */
export type Scope = (typeof GENERAL_SCOPES)[number] | `operation:${string}`

/** What a key allows if nothing is said: all that a client needs. */
export const DEFAULT_SCOPES: readonly Scope[] = ['tasks:read', 'tasks:write']

/** The scope to start tasks of one operation. */
export function operationScope(operation: string): Scope {
  return `${OPERATION}${operation}`
}

export function isScope(text: string): text is Scope {
  if ((GENERAL_SCOPES as readonly string[]).includes(text)) return true
  return (
    text.length <= MOST_CHARACTERS &&
    text.startsWith(OPERATION) &&
    isOperationName(text.slice(OPERATION.length))
  )
}

/** The tenant that everybody is where nobody is asked who they are. */
export const DEFAULT_TENANT = 'default'

/** Whether a text may name a tenant: 1 to 64 letters, digits, dots, dashes and underscores. */
export function isTenantName(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,64}$/.test(text)
}
