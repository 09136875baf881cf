import { type AuditEntry, type AuditPlace, type AuditTrail, auditDocument } from '@accepted/core'
import type { Command, CommandOption } from '../command.ts'
import { TENANT } from './tenant.ts'

const USUAL = 50
const MOST = 100_000
const AT_ONCE = 200

const LIMIT: CommandOption = {
  placeholder: 'N',
  description: `how many, the newest: 1 to ${MOST}; ${USUAL} if not said`,
  faultOf: (value) =>
    /^[1-9]\d{0,5}$/.test(value) && Number(value) <= MOST ? undefined : `must be a number from 1 to ${MOST}`,
}

/** `accepted audit …` */
export const AUDIT_COMMANDS: Command[] = [
  {
    name: 'audit list',
    summary: 'Who did what, newest first: to what is a tenant’s, or to what is of the whole installation.',
    options: { tenant: TENANT, limit: LIMIT },
    run: async ({ audit }, { tenant = '', limit }) =>
      (await newest(audit, tenant, limit === undefined ? USUAL : Number(limit))).map(auditDocument),
  },
]

async function newest(trail: AuditTrail, tenant: string, limit: number): Promise<AuditEntry[]> {
  const found: AuditEntry[] = []
  let after: AuditPlace | undefined
  do {
    const { entries, next } = await trail.list(tenant, {}, Math.min(AT_ONCE, limit - found.length), after)
    found.push(...entries)
    after = next ?? undefined
  } while (after && found.length < limit)
  return found
}
