import { ProblemError } from '../problem.ts'
import type { SharedBuckets } from './shared-buckets.ts'

/** Polls of one task that may come early: 60 at once, then two a second for as long as it takes. */
const EARLY_POLLS = { tokens: 60, fillSeconds: 30 }
/** A poll so long before its time is on time: clocks and networks are not exact. */
const TOLERANCE_MS = 100
const MOST_TASKS = 20_000

/**
 * Holds polls of one task to the `Retry-After` that they were told, past a generous burst. Who comes when it was told costs
 * nothing; who comes early takes a token that all API processes share.
 */
export class PollPacing {
  readonly #buckets: SharedBuckets
  readonly #monotonic: () => number
  /** When the next poll was asked for, by tenant and task; the one that was told first comes first. */
  readonly #due = new Map<string, number>()

  /** @param monotonic milliseconds that only grow */
  constructor(buckets: SharedBuckets, monotonic: () => number = () => performance.now()) {
    this.#buckets = buckets
    this.#monotonic = monotonic
  }

  /**
   * Counts a poll of a task that has not ended.
   *
   * @throws {ProblemError} `polling_too_fast`
   * @throws {StoreUnavailable} if Redis is away and that closes the door
   */
  async admit(tenant: string, taskId: string): Promise<void> {
    const earlyMs = (this.#due.get(nameOf(tenant, taskId)) ?? 0) - this.#monotonic()
    if (earlyMs <= TOLERANCE_MS) return
    const { taken } = await this.#buckets.take(nameOf(tenant, taskId), EARLY_POLLS, 1)
    if (taken === 1) return
    throw new ProblemError(
      'polling_too_fast',
      'This task is polled far more often than Retry-After asks for.',
      {
        headers: { 'retry-after': String(Math.ceil(earlyMs / 1000)) },
        members: { quota: 'polls' },
      },
    )
  }

  /** A poll was told when to come again; undefined: the task has ended. */
  told(tenant: string, taskId: string, retryAfterSeconds: number | undefined): void {
    const name = nameOf(tenant, taskId)
    this.#due.delete(name)
    if (retryAfterSeconds === undefined) return
    this.#due.set(name, this.#monotonic() + retryAfterSeconds * 1000)
    if (this.#due.size > MOST_TASKS) this.#due.delete(this.#due.keys().next().value!)
  }
}

function nameOf(tenant: string, taskId: string): string {
  return `${tenant}:${taskId}`
}
