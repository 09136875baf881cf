import type { ActedBy } from '../audit/acted-by.ts'
import type { AuditFilter } from '../audit/audit-trail.ts'
import { AuditTrail } from '../index.ts'
import { submission, testStore } from './index.ts'

/** Who acts in tests. */
export const BY: ActedBy = { name: 'key_one', address: '203.0.113.7', requestId: 'request-1', kept: 10_000 }
/** A start of theirs. */
export const ASKED = submission({ actedBy: BY })

/** A store, the trail in it, and what that tells. */
export function auditScene(options: Parameters<typeof testStore>[0] = {}) {
  const store = testStore(options)
  const trail = new AuditTrail(store.scripts)
  const all = async (tenant = 'default', filter: AuditFilter = {}) =>
    (await trail.list(tenant, filter, 200)).entries
  const told = async (tenant?: string) => (await all(tenant)).map(({ action }) => action)
  return { ...store, store, trail, all, told }
}
