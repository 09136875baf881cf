import type { TaskStatus } from '@accepted/contract'
import { shardOfId, shardOfTenant } from '../ids.ts'
import { decodeRecord, type TaskRecord } from './record.ts'
import type { Scripts } from './scripts.ts'
import { TickBatcher } from './tick-batcher.ts'

const LARGEST_BATCH = 16

/** Open records that are kept to be compared; larger ones are not worth their memory. */
const MOST_KEPT = 4_096
const LARGEST_KEPT = 4_096

/** What is still known of a task that expired or was deleted. */
export interface Tombstone {
  status: TaskStatus
  reason: string | null
  finishedMs: number
  resource: string | null
}

/** `position`: among those that wait in its lane, 0-based; null unless it waits. `unknown`: no such task of this tenant. */
export type ReadOutcome =
  | { outcome: 'task'; task: TaskRecord; position: number | null }
  | { outcome: 'gone'; tombstone: Tombstone }
  | { outcome: 'unknown' }

/** Which tasks a list holds. Times in ms since the epoch, exclusive. */
export interface TaskFilter {
  operation?: string
  status?: TaskStatus
  createdAfterMs?: number
  createdBeforeMs?: number
}

/** The place of a task in its tenant's lists: when it was accepted (µs, unique but for chance) and its id. */
export interface Cursor {
  order: string
  taskId: string
}

interface Read {
  tenant: string
  taskId: string
  /** The record as it was last seen. */
  kept: TaskRecord | undefined
}

/** Reads and lists tasks as their tenant sees them. An id that is not this tenant's is unknown. */
export class TaskReader {
  readonly #scripts: Scripts
  readonly #batchers: TickBatcher<Read, ReadOutcome>[]
  /** Open records by id, the oldest first. Redis is asked each time whether they still hold. */
  readonly #kept = new Map<string, TaskRecord>()

  constructor(scripts: Scripts) {
    this.#scripts = scripts
    this.#batchers = Array.from(
      { length: scripts.shards },
      (_, shard) => new TickBatcher((items) => this.#readBatch(shard, items), LARGEST_BATCH),
    )
  }

  /**
   * @param taskId an id in form (`isId`)
   * @throws {StoreUnavailable}
   */
  read(tenant: string, taskId: string): Promise<ReadOutcome> {
    const batcher = this.#batchers[shardOfId(taskId)]
    if (!batcher) return Promise.resolve({ outcome: 'unknown' })
    const kept = this.#kept.get(taskId)
    return batcher.add({ tenant, taskId, kept: kept?.tenant === tenant ? kept : undefined })
  }

  /**
   * A page of at most `limit` tasks, newest first, without bodies and results; `next` leads on, if there is more.
   *
   * @throws {StoreUnavailable}
   */
  async list(
    tenant: string,
    filter: TaskFilter,
    limit: number,
    cursor?: Cursor,
  ): Promise<{ tasks: TaskRecord[]; next: Cursor | null }> {
    const { operation = '', status = '', createdAfterMs, createdBeforeMs } = filter
    // An order is in µs: what is after a millisecond begins with the next one.
    const lowest = createdAfterMs === undefined ? '-inf' : String((createdAfterMs + 1) * 1000)
    const highest = createdBeforeMs === undefined ? '+inf' : `(${createdBeforeMs * 1000}`
    const shard = shardOfTenant(tenant, this.#scripts.shards)
    const { answer } = await this.#scripts.run('list', shard, [
      tenant,
      operation,
      status,
      lowest,
      highest,
      cursor?.order ?? '',
      cursor?.taskId ?? '',
      limit,
    ])
    const [more, order, taskId, ...entries] = answer as unknown[]
    return {
      tasks: (entries as [string, string][]).map(([id, record]) => decodeRecord(id, record)),
      next: more === 1 ? { order: order as string, taskId: taskId as string } : null,
    }
  }

  async #readBatch(shard: number, items: Read[]): Promise<ReadOutcome[]> {
    // The version alone would not do: a Redis that lost its last second may use a number again.
    const args = items.flatMap(({ tenant, taskId, kept }) => [
      tenant,
      taskId,
      kept?.version ?? '',
      kept?.updatedMs ?? '',
    ])
    const { answer } = await this.#scripts.run('read', shard, args)
    const found = answer as (unknown[] | number | null)[]
    const isLater = (index: number) => (found[index] as unknown[] | null)?.[0] === 'later'
    const later = items.filter((_, index) => isLater(index))
    const rest = later.length === 0 ? [] : await this.#readBatch(shard, later)
    return items.map((item, index) => (isLater(index) ? rest.shift()! : this.#outcomeOf(item, found[index]!)))
  }

  #outcomeOf({ taskId, kept }: Read, answer: unknown[] | number | null): ReadOutcome {
    if (typeof answer === 'number') return { outcome: 'task', task: kept!, position: placeOf(answer) }
    // Not for another tenant's look at it.
    if (kept) this.#kept.delete(taskId)
    if (!answer) return { outcome: 'unknown' }
    const [word, ...rest] = answer
    if (word === 'gone') return { outcome: 'gone', tombstone: decodeTombstone(rest as string[]) }
    const [position, record] = rest as [number, string]
    const task = decodeRecord(taskId, record)
    if (task.finishedMs === null && record.length <= LARGEST_KEPT) this.#keep(task)
    return { outcome: 'task', task, position: placeOf(position) }
  }

  #keep(task: TaskRecord): void {
    if (this.#kept.size >= MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    this.#kept.set(task.taskId, task)
  }
}

function placeOf(position: number): number | null {
  return position < 0 ? null : position
}

/** Reads a tombstone from what a script answers. */
export function decodeTombstone([status, reason, finished, resource]: string[]): Tombstone {
  return {
    status: status as TaskStatus,
    reason: reason || null,
    finishedMs: Number(finished),
    resource: resource || null,
  }
}
