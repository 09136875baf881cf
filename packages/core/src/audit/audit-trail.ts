import type { AuditAction } from '@accepted/contract'
import { shardOfTenant } from '../ids.ts'
import type { ScriptArgument, Scripts } from '../store/scripts.ts'

/** Entries of a part that are looked at for one page, so that a filter that finds little holds Redis no longer than any page does. */
const LOOKS = 500

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

/** What one look into a part finds. */
interface Look {
  found: { place: AuditPlace; entry: AuditEntry }[]
  upTo: AuditPlace | null
  looks: number
}

/** Reads who did what. */
export class AuditTrail {
  readonly #scripts: Scripts

  constructor(scripts: Scripts) {
    this.#scripts = scripts
  }

  /**
   * A page of at most `limit` acts, newest first; `next` leads on, if there are more. One of a filter may have fewer, or none, and
   * still lead on. `looks`: the acts that were looked at for it.
   *
   * @param tenant '' for acts that concern no tenant
   * @throws {StoreUnavailable}
   */
  async list(
    tenant: string,
    filter: AuditFilter,
    limit: number,
    after?: AuditPlace,
  ): Promise<{ entries: AuditEntry[]; next: AuditPlace | null; looks: number }> {
    const looks = await Promise.all(PARTS.map((part) => this.#look(part, tenant, filter, limit + 1, after)))
    // Beyond the place up to which all parts were looked at, one may have what comes before what another has.
    const edge = looks.flatMap(({ upTo }) => upTo ?? []).sort(newestFirst)[0]
    const all = looks
      .flatMap(({ found }) => found)
      .filter(({ place }) => !edge || newestFirst(place, edge) <= 0)
      .sort((a, b) => newestFirst(a.place, b.place))
    const page = all.slice(0, limit)
    return {
      entries: page.map(({ entry }) => entry),
      next: all.length > limit ? page.at(-1)!.place : (edge ?? null),
      looks: looks.reduce((sum, { looks }) => sum + looks, 0),
    }
  }

  /** The newest of a part, as many as are wanted, if they are found; `upTo`: the last place that was looked at, if there are more. */
  async #look(
    part: Part,
    tenant: string,
    filter: AuditFilter,
    wanted: number,
    after?: AuditPlace,
  ): Promise<Look> {
    const { action = '', taskId = '' } = filter
    const to = filter.afterMs === undefined || filter.afterMs < 0 ? '-' : String(filter.afterMs + 1)
    const from = newestOf(part, filter.beforeMs, after)
    if (!from) return { found: [], upTo: null, looks: 0 }
    const most = action || taskId ? LOOKS : wanted
    const [last, looks, ...entries] = await this.#run(part, tenant, [
      tenant,
      from,
      to,
      action,
      taskId,
      most,
      wanted,
    ])
    return {
      found: entries.map((fields) => decodeEntry(part, fields)),
      upTo: last ? placeOf(part, last) : null,
      looks,
    }
  }

  async #run(part: Part, tenant: string, args: ScriptArgument[]) {
    const { answer } =
      part === 'k'
        ? await this.#scripts.runOnSecrets('list-audit', args)
        : await this.#scripts.run('list-audit', shardOfTenant(tenant, this.#scripts.shards), args)
    return answer as [last: string, looks: number, ...entries: string[][]]
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

/** The place of an entry by its id in the stream. */
function placeOf(part: Part, id: string): AuditPlace {
  const [ms, nth] = id.split('-').map(Number)
  return { ms: ms!, nth: nth!, part }
}

function decodeEntry(part: Part, [id, act, by, on]: string[]): { place: AuditPlace; entry: AuditEntry } {
  const place = placeOf(part, id!)
  const [actor, address, requestId] = by!.split('\u001f')
  const [taskId, operation, deliveryId, keyId, detail] = on!.split('\u001f')
  const entry = {
    auditId: `aud_${auditPlaceText(place)}`,
    atMs: place.ms,
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

/** Reads what `auditPlaceText` wrote; undefined if it did not. No entry is at 0-0, before which Redis lets nobody ask. */
export function readAuditPlace(text: string): AuditPlace | undefined {
  const match = /^(?!0-0-)(0|[1-9]\d{0,14})-(0|[1-9]\d{0,14})-([tk])$/.exec(text)
  return match ? { ms: Number(match[1]), nth: Number(match[2]), part: match[3] as Part } : undefined
}
