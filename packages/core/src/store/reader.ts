import type { TaskStatus } from '@accepted/contract'
import { shardOfId, shardOfTenant } from '../ids.ts'
import { decodeRecord, type TaskRecord } from './record.ts'
import type { Scripts } from './scripts.ts'
import { TickBatcher } from './tick-batcher.ts'

const LARGEST_BATCH = 8

/** What is still known of a task that expired or was deleted. */
export interface Tombstone {
  status: TaskStatus
  reason: string | null
  finishedMs: number
  resource: string | null
}

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

/** Reads and lists tasks as their tenant sees them. An id that is not this tenant's is unknown. */
export class TaskReader {
  readonly #scripts: Scripts
  readonly #batchers: TickBatcher<{ tenant: string; taskId: string }, ReadOutcome>[]

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
  async read(tenant: string, taskId: string): Promise<ReadOutcome> {
    const batcher = this.#batchers[shardOfId(taskId)]
    return batcher ? batcher.add({ tenant, taskId }) : { outcome: 'unknown' }
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
    const [, more, order, taskId, ...entries] = await this.#scripts.run('list', shard, [
      tenant,
      operation,
      status,
      lowest,
      highest,
      cursor?.order ?? '',
      cursor?.taskId ?? '',
      limit,
    ])
    return {
      tasks: (entries as [string, string][]).map(([id, record]) => decodeRecord(id, record)),
      next: more === 1 ? { order: order as string, taskId: taskId as string } : null,
    }
  }

  async #readBatch(shard: number, items: { tenant: string; taskId: string }[]): Promise<ReadOutcome[]> {
    const args = items.flatMap(({ tenant, taskId }) => [tenant, taskId])
    const [, ...answers] = await this.#scripts.run('read', shard, args)
    return items.map(({ taskId }, index) => decodeAnswer(taskId, answers[index] as unknown[] | null))
  }
}

function decodeAnswer(taskId: string, answer: unknown[] | null): ReadOutcome {
  if (!answer) return { outcome: 'unknown' }
  const [word, ...rest] = answer
  if (word === 'gone') return { outcome: 'gone', tombstone: decodeTombstone(rest as string[]) }
  const [position, record] = rest as [number, string]
  return { outcome: 'task', task: decodeRecord(taskId, record), position: position < 0 ? null : position }
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
