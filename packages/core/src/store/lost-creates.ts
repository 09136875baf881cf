import { setTimeout as pause } from 'node:timers/promises'
import { shardOfId } from '../ids.ts'
import type { Logger } from '../log/log.ts'
import { StoreUnavailable } from './outage.ts'
import type { ReadOutcome, TaskReader } from './reader.ts'
import type { Scripts } from './scripts.ts'

const LOOK_EVERY_MS = 50
const LARGEST_BATCH = 16

/** A create that was sent and whose answer got lost: nobody knows whether Redis accepted it. */
export interface LostCreate {
  taskId: string
  tenant: string
  /** As the store names an Idempotency-Key; '' for none. */
  key: string
  /** After this time, on Redis's clock, it is not accepted any more. */
  acceptBy: number
}

/** What came of a create that was taken back: see withdraw.lua. */
type Withdrawn = 'withdrawn' | 'canceled' | 'canceling' | 'kept' | 'ended' | 'unknown'

/**
 * Looks after creates whose answer got lost with the connection. As long as the client waits they are looked for, and found
 * if Redis is back in time. After that the client is refused, and what was accepted all the same is taken back, once Redis
 * can be asked: docs/decisions/018.
 */
export class LostCreates {
  readonly #scripts: Scripts
  readonly #reader: TaskReader
  readonly #retentionMs: number
  readonly #log: Logger
  readonly #refused = new Map<string, LostCreate>()
  readonly #closing = new AbortController()
  #withdrawing: Promise<void> | null = null

  /** @param retentionMs how long the record of one that had to be canceled is kept */
  constructor(scripts: Scripts, reader: TaskReader, retentionMs: number, log: Logger) {
    this.#scripts = scripts
    this.#reader = reader
    this.#retentionMs = retentionMs
    this.#log = log
  }

  /**
   * The task, if Redis turns out to have accepted it in time; else null, and it will be taken back.
   *
   * @param answerBy when the client is answered at the latest, by `performance.now()`
   */
  async find(
    create: LostCreate,
    answerBy: number,
  ): Promise<Extract<ReadOutcome, { outcome: 'task' }> | null> {
    while (performance.now() < answerBy) {
      const found = await this.#look(create, answerBy)
      if (found?.outcome === 'task') return found
      await pause(Math.min(LOOK_EVERY_MS, Math.max(0, answerBy - performance.now())))
    }
    this.#withdrawLater(create)
    return null
  }

  /** Takes back what it can at once; what is left is told in the log. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#withdrawing
    if (this.#refused.size > 0) await this.#withdrawAll()
    if (this.#refused.size === 0) return
    const tasks = [...this.#refused.keys()]
    this.#log.error({ tasks }, 'creates were refused, and may yet have been accepted')
  }

  get #connected(): boolean {
    return this.#scripts.redis.status === 'ready'
  }

  async #look({ tenant, taskId }: LostCreate, answerBy: number): Promise<ReadOutcome | null> {
    if (!this.#connected) return null
    const over = new AbortController()
    const late = pause(Math.max(0, answerBy - performance.now()), null, { signal: over.signal }).catch(
      () => null,
    )
    const read = this.#reader.read(tenant, taskId).catch((error) => {
      if (error instanceof StoreUnavailable) return null
      throw error
    })
    try {
      return await Promise.race([read, late])
    } finally {
      over.abort()
    }
  }

  #withdrawLater(create: LostCreate): void {
    this.#refused.set(create.taskId, create)
    this.#withdrawing ??= this.#withdrawUntilDone()
  }

  async #withdrawUntilDone(): Promise<void> {
    const { signal } = this.#closing
    while (this.#refused.size > 0 && !signal.aborted) {
      await this.#withdrawAll()
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
    this.#withdrawing = null
  }

  async #withdrawAll(): Promise<void> {
    const byShard = Map.groupBy(this.#refused.values(), ({ taskId }) => shardOfId(taskId))
    for (const [shard, creates] of byShard) {
      for (let from = 0; from < creates.length && this.#connected; from += LARGEST_BATCH) {
        await this.#withdraw(shard, creates.slice(from, from + LARGEST_BATCH))
      }
    }
  }

  async #withdraw(shard: number, creates: LostCreate[]): Promise<void> {
    const args = creates.flatMap(({ tenant, taskId, key }) => [tenant, taskId, key])
    try {
      const { nowMs, answer } = await this.#scripts.run('withdraw', shard, [this.#retentionMs, ...args])
      for (const [index, outcome] of (answer as Withdrawn[]).entries()) {
        const { taskId, acceptBy } = creates[index]!
        // It may be on its way still.
        if (outcome === 'unknown' && nowMs <= acceptBy) continue
        this.#refused.delete(taskId)
        if (outcome !== 'unknown') this.#log.warn({ task: taskId, outcome }, 'a refused create was accepted')
      }
    } catch (error) {
      if (error instanceof StoreUnavailable) return
      this.#log.error({ err: error }, 'refused creates cannot be taken back')
      for (const { taskId } of creates) this.#refused.delete(taskId)
    }
  }
}
