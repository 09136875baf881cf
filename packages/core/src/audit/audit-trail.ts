import type { AuditAction } from '@accepted/contract'
import { shardOfTenant } from '../ids.ts'
import type { ScriptArgument, Scripts } from '../store/scripts.ts'

/** Looked at in one call, so that none holds Redis for long. */
const LOOKS = 1_000

/** One act. What it has nothing of is null. */
export interface AuditEntry {
  auditId: string
  /** When it was, on Redis's clock. */
  atMs: number
  action: AuditAction
  actor: string
  /** Null: the service itself did it. */
  address: string | null
  requestId: string | null
  taskId: string | null
  operation: string | null
  /** Without its prefix. */
  deliveryId: string | null
  keyId: string | null
  detail: string | null
}

/** Which acts are wanted. Times in ms since the epoch, exclusive. */
export interface AuditFilter {
  action?: AuditAction
  taskId?: string
  afterMs?: number
  beforeMs?: number
}

/**
 * The place of an entry in a trail. A trail has two parts, in a shard and where the keys and secrets are; entries of the same
 * moment are in the order of their parts.
 */
export interface AuditPlace {
  ms: number
  /** Among those of a millisecond in the same part. */
  nth: number
  part: Part
}

/** In the tenant's shard; beside the secrets. */
type Part = 't' | 'k'
const PARTS: readonly Part[] = ['t', 'k']

/** Reads who did what. */
export class AuditTrail {
  readonly #scripts: Scripts

  constructor(scripts: Scripts) {
    this.#scripts = scripts
  }

  /**
   * A page of at most `limit` acts, newest first; `next` leads on, if there are more.
   *
   * @param tenant '' for acts that concern no tenant
   * @throws {StoreUnavailable}
   */
  async list(
    tenant: string,
    filter: AuditFilter,
    limit: number,
    after?: AuditPlace,
  ): Promise<{ entries: AuditEntry[]; next: AuditPlace | null }> {
    const found = await Promise.all(PARTS.map((part) => this.#read(part, tenant, filter, limit + 1, after)))
    const all = found.flat().sort((a, b) => newestFirst(a.place, b.place))
    const page = all.slice(0, limit)
    return {
      entries: page.map(({ entry }) => entry),
      next: all.length > limit ? page.at(-1)!.place : null,
    }
  }

  /** The newest of a part, as many as are wanted, if there are so many. */
  async #read(part: Part, tenant: string, filter: AuditFilter, wanted: number, after?: AuditPlace) {
    const { action = '', taskId = '' } = filter
    const found: { place: AuditPlace; entry: AuditEntry }[] = []
    const to = filter.afterMs === undefined || filter.afterMs < 0 ? '-' : String(filter.afterMs + 1)
    const looks = action || taskId ? LOOKS : Math.min(wanted, LOOKS)
    let from = newestOf(part, filter.beforeMs, after)
    while (from && found.length < wanted) {
      const [last, ...entries] = await this.#run(part, tenant, [
        tenant,
        from,
        to,
        action,
        taskId,
        looks,
        wanted - found.length,
      ])
      found.push(...entries.map((fields) => decodeEntry(part, fields)))
      from = last ? `(${last}` : null
    }
    return found
  }

  async #run(part: Part, tenant: string, args: ScriptArgument[]) {
    const { answer } =
      part === 'k'
        ? await this.#scripts.runOnSecrets('list-audit', args)
        : await this.#scripts.run('list-audit', shardOfTenant(tenant, this.#scripts.shards), args)
    return answer as [last: string, ...entries: string[][]]
  }
}

/** Where reading a part begins, as XREVRANGE takes it; null: there is nothing. */
function newestOf(part: Part, beforeMs: number | undefined, after: AuditPlace | undefined): string | null {
  if (beforeMs !== undefined && beforeMs <= 0) return null
  if (after && (beforeMs === undefined || after.ms < beforeMs)) {
    const isLater = PARTS.indexOf(part) > PARTS.indexOf(after.part)
    return `${isLater ? '' : '('}${after.ms}-${after.nth}`
  }
  return beforeMs === undefined ? '+' : String(beforeMs - 1)
}

function newestFirst(a: AuditPlace, b: AuditPlace): number {
  return b.ms - a.ms || b.nth - a.nth || PARTS.indexOf(a.part) - PARTS.indexOf(b.part)
}

function decodeEntry(part: Part, [id, act, by, on]: string[]): { place: AuditPlace; entry: AuditEntry } {
  const [ms, nth] = id!.split('-').map(Number)
  const [actor, address, requestId] = by!.split('\u001f')
  const [taskId, operation, deliveryId, keyId, detail] = on!.split('\u001f')
  const place = { ms: ms!, nth: nth!, part }
  const entry = {
    auditId: `aud_${auditPlaceText(place)}`,
    atMs: ms!,
    action: act as AuditAction,
    actor: actor!,
    address: address || null,
    requestId: requestId || null,
    taskId: taskId || null,
    operation: operation || null,
    deliveryId: deliveryId || null,
    keyId: keyId || null,
    detail: detail || null,
  }
  return { place, entry }
}

/** A place as one text. */
export function auditPlaceText({ ms, nth, part }: AuditPlace): string {
  return `${ms}-${nth}-${part}`
}

/** Reads what `auditPlaceText` wrote; undefined if it did not. */
export function readAuditPlace(text: string): AuditPlace | undefined {
  const match = /^(0|[1-9]\d{0,14})-(0|[1-9]\d{0,14})-([tk])$/.exec(text)
  return match ? { ms: Number(match[1]), nth: Number(match[2]), part: match[3] as Part } : undefined
}
