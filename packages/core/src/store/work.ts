import type { EndedStatus, EndReason, TaskError, TaskStatus } from '@accepted/contract'
import { shardOfId } from '../ids.ts'
import { decodeHeldRecord, type TaskRecord } from './record.ts'
import type { ScriptArgument, ScriptName, Scripts } from './scripts.ts'
import { TickBatcher } from './tick-batcher.ts'

/** A claim that is not renewed for so long has lost its worker. */
export const LEASE_MS = 8_000
const LARGEST_BATCH = 50

/**
 * A task in the hands of a worker: to run it or, if it is `canceling`, to undo it. The token fences it: only the latest
 * holder's writes count.
 */
export interface Claim {
  task: TaskRecord
  token: string
  /** Tries of undoing, in a row without one step undone. No change of it is shown, so readers do not learn of it. */
  undos: number
}

/** The task whose turn it was is of an operation that the claimer does not know; it was left, as it was, to another worker. */
export interface UnknownOperation {
  unknown: string
}

/** What an attempt came to. */
export interface Ending {
  status: EndedStatus
  reason: EndReason | null
  /** JSON text. */
  result: string | null
  resource: string | null
  /** None: what the reason says by itself. */
  error: TaskError | null
}

/**
 * `stale`: another worker holds the task now, or it ended; nothing was written. `canceling`: the task is to end, and so is
 * the attempt; of what it writes only that a step finished or failed was written.
 */
export type WriteOutcome = 'ok' | 'stale' | 'canceling'

/** `undo`: the task is not over before its finished steps are undone, which is for its holder to do, under a new claim. */
export type EndOutcome =
  | { outcome: 'ok'; status: TaskStatus; reason: EndReason | null }
  | { outcome: 'undo'; claim: Claim }
  | { outcome: 'stale' }

/** States of a step, and of its undo. */
export type StepWrite =
  | 'begun'
  | 'begun_undoable'
  | 'finished'
  | 'undoable'
  | 'failed'
  | 'reverting'
  | 'reverted'

/** What the worker does with tasks. Every write names its claim; a claim that is not the latest is refused. */
export class Work {
  readonly #scripts: Scripts
  readonly #claims: TickBatcher<ScriptArgument[], unknown[]>[]
  readonly #ends: TickBatcher<ScriptArgument[], unknown[]>[]

  /**
   * @param retentionMs how long an ended record is kept
   */
  constructor(scripts: Scripts, retentionMs: number) {
    this.#scripts = scripts
    this.#claims = this.#batchers('claim', [LEASE_MS, retentionMs])
    this.#ends = this.#batchers('end', [retentionMs, LEASE_MS])
  }

  /**
   * Takes the task whose turn it is; null if nothing in the lane may run now. The claim must be renewed well within
   * `LEASE_MS`.
   *
   * @param operations those that the claimer can run; any, if it does not say
   * @throws {StoreUnavailable}
   */
  claim(shard: number, lane: string): Promise<Claim | null>
  claim(shard: number, lane: string, operations: Iterable<string>): Promise<Claim | UnknownOperation | null>
  async claim(
    shard: number,
    lane: string,
    operations: Iterable<string> = [],
  ): Promise<Claim | UnknownOperation | null> {
    const known = [...operations].join(' ')
    const claimed = await this.#claims[shard]!.add([lane, known && ` ${known} `])
    const [outcome, taskId, token, record] = claimed
    if (outcome === 'none') return null
    if (outcome === 'unknown') return { unknown: taskId as string }
    return { ...decodeHeldRecord(taskId as string, record as string), token: token as string }
  }

  /** Renews claims; resolves to those that are not the latest any more, and those whose task is canceling. */
  async renew(claims: Claim[]): Promise<{ stale: Claim[]; canceling: Claim[] }> {
    const found: { stale: Claim[]; canceling: Claim[] } = { stale: [], canceling: [] }
    for (const [shard, own] of Map.groupBy(claims, ({ task }) => shardOfId(task.taskId))) {
      const args = own.flatMap(({ task, token }) => [task.taskId, token])
      const { answer } = await this.#scripts.run('renew', shard, [LEASE_MS, ...args])
      const places = answer as (number | string)[]
      for (let at = 0; at < places.length; at += 2) {
        found[places[at + 1] as 'stale' | 'canceling'].push(own[Number(places[at])]!)
      }
    }
    return found
  }

  /** @param percent 0…100, whole */
  async progress(claim: Claim, percent: number): Promise<WriteOutcome> {
    return this.#write('progress', claim, [percent])
  }

  /** @param outcome what a finished step returned, as JSON text; `begun_undoable` and `undoable` (finished) are for a step that has an undo */
  async step(claim: Claim, name: string, state: StepWrite, outcome = ''): Promise<WriteOutcome> {
    return this.#write('step', claim, [name, state, outcome])
  }

  /** The attempt, or the undo, failed; the next is due in `delayMs`. `canceling`: there is none, the task is to end. */
  async retry(claim: Claim, delayMs: number, error: TaskError | null): Promise<WriteOutcome> {
    return this.#write('requeue', claim, ['retry', Math.ceil(delayMs), error ? JSON.stringify(error) : ''])
  }

  /** The worker stops: the task waits again as if this attempt had not been. */
  async release(claim: Claim): Promise<WriteOutcome> {
    return this.#write('requeue', claim, ['release', 0, ''])
  }

  /**
   * The attempt, or the undo, is over. A task that is canceling ends as was decided then, whatever `ending` says, unless
   * that is `revert_failed`.
   */
  async end(claim: Claim, ending: Ending): Promise<EndOutcome> {
    const { status, reason, result, resource, error } = ending
    const { taskId } = claim.task
    const texts = [status, reason ?? '', result ?? '', resource ?? '', error ? JSON.stringify(error) : '']
    const ends = this.#ends[shardOfId(taskId)]!
    const [outcome, what, more] = await ends.add([taskId, claim.token, ...texts])
    if (outcome === 'stale') return { outcome: 'stale' }
    if (outcome === 'ok') {
      return { outcome: 'ok', status: what as TaskStatus, reason: (more as EndReason | '') || null }
    }
    return { outcome: 'undo', claim: { ...decodeHeldRecord(taskId, more as string), token: what as string } }
  }

  /** One batcher a shard for a script that takes many items after what they share. */
  #batchers(script: ScriptName, shared: ScriptArgument[]): TickBatcher<ScriptArgument[], unknown[]>[] {
    return Array.from({ length: this.#scripts.shards }, (_, shard) => {
      return new TickBatcher(async (items: ScriptArgument[][]) => {
        const { answer } = await this.#scripts.run(script, shard, [...shared, ...items.flat()])
        return answer as unknown[][]
      }, LARGEST_BATCH)
    })
  }

  async #write(script: ScriptName, claim: Claim, args: ScriptArgument[]): Promise<WriteOutcome> {
    const { taskId } = claim.task
    const { answer } = await this.#scripts.run(script, shardOfId(taskId), [taskId, claim.token, ...args])
    return answer as WriteOutcome
  }
}
