import type { EndedStatus, FailureReason, TaskError } from '@accepted/contract'
import { shardOfId } from '../ids.ts'
import type { LaneJobs } from '../lane-jobs.ts'
import { decodeRecord, type TaskRecord } from './record.ts'
import type { ScriptArgument, ScriptName, Scripts } from './scripts.ts'
import { TickBatcher } from './tick-batcher.ts'

/** A claim that is not renewed for so long has lost its worker. */
export const LEASE_MS = 8_000
const LARGEST_BATCH = 50

/** A task in the hands of a worker. The token fences it: only the latest holder's writes count. */
export interface Claim {
  task: TaskRecord
  token: string
}

/** How a task ends. */
export interface Ending {
  status: EndedStatus
  reason: FailureReason | null
  /** JSON text. */
  result: string | null
  resource: string | null
  error: TaskError | null
}

/** `stale`: another worker holds the task now, or it ended; nothing was written. */
export type WriteOutcome = 'ok' | 'stale'

/** What the worker does with tasks. Every write names its claim; a claim that is not the latest is refused. */
export class Work {
  readonly #scripts: Scripts
  readonly #jobs: LaneJobs
  readonly #claims: TickBatcher<ScriptArgument[], unknown[]>[]
  readonly #ends: TickBatcher<ScriptArgument[], unknown[]>[]

  /**
   * @param retentionMs how long an ended record is kept
   */
  constructor(scripts: Scripts, jobs: LaneJobs, retentionMs: number) {
    this.#scripts = scripts
    this.#jobs = jobs
    this.#claims = this.#batchers('claim', [LEASE_MS])
    this.#ends = this.#batchers('end', [retentionMs])
  }

  /**
   * Takes the task whose turn it is; null if nothing in the lane may run now. The claim must be renewed well within
   * `LEASE_MS`.
   *
   * @throws {StoreUnavailable}
   */
  async claim(shard: number, lane: string): Promise<Claim | null> {
    const [outcome, jobs, taskId, token, record] = await this.#claims[shard]!.add([lane])
    this.#jobs.add(shard, lane, Number(jobs))
    if (outcome === 'none') return null
    return { task: decodeRecord(taskId as string, record as string), token: token as string }
  }

  /** Renews claims; resolves to those that are not the latest any more. */
  async renew(claims: Claim[]): Promise<Claim[]> {
    const lost: Claim[] = []
    for (const [shard, own] of Map.groupBy(claims, ({ task }) => shardOfId(task.taskId))) {
      const args = own.flatMap(({ task, token }) => [task.taskId, token])
      const [, ...places] = await this.#scripts.run('renew', shard, [LEASE_MS, ...args])
      lost.push(...places.map((place) => own[Number(place)]!))
    }
    return lost
  }

  /** @param percent 0…100, whole */
  async progress(claim: Claim, percent: number): Promise<WriteOutcome> {
    return this.#write('progress', claim, [percent])
  }

  /** @param outcome what a finished step returned, as JSON text */
  async step(
    claim: Claim,
    name: string,
    state: 'begun' | 'finished' | 'failed',
    outcome = '',
  ): Promise<WriteOutcome> {
    return this.#write('step', claim, [name, state, outcome])
  }

  /** The attempt failed and counts; the next is due in `delayMs`. */
  async retry(claim: Claim, delayMs: number, error: TaskError): Promise<WriteOutcome> {
    return this.#write('requeue', claim, ['retry', Math.ceil(delayMs), JSON.stringify(error)])
  }

  /** The worker stops: the task waits again as if this attempt had not been. */
  async release(claim: Claim): Promise<WriteOutcome> {
    return this.#write('requeue', claim, ['release', 0, ''])
  }

  async end(claim: Claim, ending: Ending): Promise<WriteOutcome> {
    const { status, reason, result, resource, error } = ending
    const { taskId, lane } = claim.task
    const shard = shardOfId(taskId)
    const texts = [status, reason ?? '', result ?? '', resource ?? '', error ? JSON.stringify(error) : '']
    const [outcome, jobs] = await this.#ends[shard]!.add([taskId, claim.token, ...texts])
    this.#jobs.add(shard, lane, Number(jobs ?? 0))
    return outcome as WriteOutcome
  }

  /** One batcher a shard for a script that takes many items after what they share. */
  #batchers(script: ScriptName, shared: ScriptArgument[]): TickBatcher<ScriptArgument[], unknown[]>[] {
    return Array.from({ length: this.#scripts.shards }, (_, shard) => {
      return new TickBatcher(async (items: ScriptArgument[][]) => {
        const [, ...outcomes] = await this.#scripts.run(script, shard, [...shared, ...items.flat()])
        return outcomes as unknown[][]
      }, LARGEST_BATCH)
    })
  }

  async #write(script: ScriptName, claim: Claim, args: ScriptArgument[]): Promise<WriteOutcome> {
    const { taskId, lane } = claim.task
    const shard = shardOfId(taskId)
    const [, outcome, jobs] = await this.#scripts.run(script, shard, [taskId, claim.token, ...args])
    if (jobs) this.#jobs.add(shard, lane, Number(jobs))
    return outcome as WriteOutcome
  }
}
