import { isEnded } from '@accepted/contract'
import type { ReadOutcome, TaskReader, TaskRecord, TaskWatch } from '@accepted/core'
import type { FastifyReply } from 'fastify'
import type { HeldRequests } from './held-requests.ts'
import type { FoundTask } from './task-views.ts'

/** Whether it is for the client to act now: the task ended, or awaits a confirmation. */
export function restsWithClient({ status }: TaskRecord): boolean {
  return isEnded(status) || status === 'awaiting_confirmation'
}

/** Holds answers back until a task is as the caller hopes, as `Prefer: wait` asks. */
export class TaskWaits {
  readonly #watch: TaskWatch
  readonly #reader: TaskReader
  readonly #held: HeldRequests

  constructor(watch: TaskWatch, reader: TaskReader, held: HeldRequests) {
    this.#watch = watch
    this.#reader = reader
    this.#held = held
  }

  /**
   * The task once it is as hoped for, or gone; else as it is after `seconds`, or when the credential ceases to hold or the app closes. If the client goes
   * away, or as many wait as may, `known` at once.
   *
   * @throws {StoreUnavailable} only then
   */
  async until(
    reply: FastifyReply,
    known: FoundTask,
    seconds: number,
    hopedFor: (task: TaskRecord) => boolean,
  ): Promise<ReadOutcome> {
    const { tenant, taskId } = known.task
    const hold = this.#held.hold(reply.raw, reply.request.caller, seconds * 1000)
    try {
      if (hold.isFull) return known
      for await (const outcome of this.#watch.follow(tenant, taskId, hold.signal)) {
        if (outcome.outcome !== 'task' || hopedFor(outcome.task)) return outcome
      }
    } finally {
      hold.release()
    }
    return hold.gone ? known : this.#reader.read(tenant, taskId)
  }
}
