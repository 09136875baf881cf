import type { EndedStatus, TaskStatus } from '@accepted/contract'
import { type ActedBy, actedByText } from '../audit/acted-by.ts'
import { shardOfId } from '../ids.ts'
import { StoreUnavailable } from './outage.ts'
import { decodeTombstone, type Tombstone } from './reader.ts'
import { decodeRecord, type TaskRecord } from './record.ts'
import type { ScriptName, Scripts } from './scripts.ts'
import { ACCEPT_WITHIN_MS } from './submissions.ts'

/** What is told of a task that cannot be acted on since its record is gone, or never was this tenant's. */
export type Absent = { outcome: 'gone'; tombstone: Tombstone } | { outcome: 'unknown' }

/** `canceled`: at once, nothing of it was done. `canceling`: it ends once what was done is undone. */
export type CancelOutcome =
  | { outcome: 'canceled' | 'canceling'; task: TaskRecord }
  | { outcome: 'ended'; status: EndedStatus }
  | Absent

/** `not_awaiting`: not before its work is done, nor once it is canceling. */
export type ConfirmOutcome =
  | { outcome: 'confirmed'; task: TaskRecord }
  | { outcome: 'not_awaiting' | 'ended'; status: TaskStatus }
  | Absent

/** `open`: only what has ended can be deleted. */
export type DeleteOutcome = { outcome: 'deleted' } | { outcome: 'open'; status: TaskStatus } | Absent

/**
 * What a client does with its tasks. Each act is one script: of acts that race exactly one wins, and every caller is told
 * how the task stands after its own. Without `by` the trail does not tell of it.
 */
export class TaskControl {
  readonly #scripts: Scripts
  readonly #retentionMs: number
  readonly #tombstoneMs: number

  /**
   * @param retentionMs how long an ended record is kept
   * @param tombstoneMs how long a deleted task answers 410
   */
  constructor(scripts: Scripts, retentionMs: number, tombstoneMs: number) {
    this.#scripts = scripts
    this.#retentionMs = retentionMs
    this.#tombstoneMs = tombstoneMs
  }

  /**
   * Cancels a task that has not ended; once more changes nothing.
   *
   * @throws {StoreUnavailable}
   */
  async cancel(tenant: string, taskId: string, by?: ActedBy): Promise<CancelOutcome> {
    const [word, ...rest] = await this.#run('cancel', tenant, taskId, this.#retentionMs, by)
    if (word === 'ended') return { outcome: 'ended', status: rest[0] as EndedStatus }
    if (word !== 'canceled' && word !== 'canceling') return absentOf(word, rest)
    return { outcome: word, task: decodeRecord(taskId, rest[0] as string) }
  }

  /**
   * Confirms a task that awaits it; it completes.
   *
   * @throws {StoreUnavailable}
   */
  async confirm(tenant: string, taskId: string, by?: ActedBy): Promise<ConfirmOutcome> {
    const [word, ...rest] = await this.#run('confirm', tenant, taskId, this.#retentionMs, by)
    if (word === 'ended' || word === 'not_awaiting') return { outcome: word, status: rest[0] as TaskStatus }
    if (word !== 'confirmed') return absentOf(word, rest)
    return { outcome: 'confirmed', task: decodeRecord(taskId, rest[0] as string) }
  }

  /**
   * Deletes an ended task; its tombstone stays.
   *
   * @throws {StoreUnavailable}
   */
  async delete(tenant: string, taskId: string, by?: ActedBy): Promise<DeleteOutcome> {
    const [word, ...rest] = await this.#run('delete', tenant, taskId, this.#tombstoneMs, by)
    if (word === 'open') return { outcome: 'open', status: rest[0] as TaskStatus }
    return word === 'deleted' ? { outcome: 'deleted' } : absentOf(word, rest)
  }

  async #run(
    script: ScriptName,
    tenant: string,
    taskId: string,
    lifetimeMs: number,
    by: ActedBy | undefined,
  ): Promise<[word: string, ...unknown[]]> {
    if (shardOfId(taskId) >= this.#scripts.shards) return ['unknown']
    const acceptBy = Math.floor((await this.#scripts.now()) + ACCEPT_WITHIN_MS)
    const sent = [tenant, taskId, acceptBy, lifetimeMs, actedByText(by)]
    const { answer } = await this.#scripts.run(script, shardOfId(taskId), sent)
    const told = answer as [word: string, ...unknown[]]
    if (told[0] === 'late') throw new StoreUnavailable('the act reached Redis too late')
    return told
  }
}

/** Reads what a script tells of a task that is not there. */
export function absentOf(word: string, rest: unknown[]): Absent {
  if (word === 'gone') return { outcome: 'gone', tombstone: decodeTombstone(rest as string[]) }
  return { outcome: 'unknown' }
}
