import { hostname, userInfo } from 'node:os'
import { type ActedBy, harmless, NAME_LENGTH } from '@accepted/core'

/** What an operator does to a tenant's keys and secrets is little, so its trail keeps as much of it whatever the settings of the apps. */
const ENTRIES = 10_000

/** Who runs the command line, for the audit trail: `cli:USER@HOST`. */
export function operator(): ActedBy {
  const name = harmless(`cli:${userName()}@${hostname()}`, NAME_LENGTH)
  return { name, address: 'command line', requestId: null, kept: ENTRIES }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // In a container the user may have no name.
    return String(process.getuid?.() ?? '?')
  }
}
