import type { ServerResponse } from 'node:http'
import { isEnded } from '@accepted/contract'
import type { Estimator, TaskRecord, TaskWatch } from '@accepted/core'
import type { Caller } from './auth/caller.ts'
import { EventStream, type StreamLimits } from './event-stream.ts'
import type { HeldRequests } from './held-requests.ts'
import { eventName, eventText } from './task-events.ts'
import { bodyOf } from './task-styles.ts'
import { type FoundTask, viewOf } from './task-views.ts'

/** What it takes to tell of tasks in streams. */
export interface TaskStreamDependencies {
  watch: TaskWatch
  held: HeldRequests
  estimator: Estimator
  /** Redis's time, ms; known once it was read from or written to. */
  now: () => number
  limits: StreamLimits
}

/** Tells of tasks, change by change, until they end. */
export class TaskStreams {
  readonly #deps: TaskStreamDependencies

  constructor(deps: TaskStreamDependencies) {
    this.#deps = deps
  }

  /**
   * Tells of a task until it ends, the reader goes, its credential ceases to hold or the app closes. While Redis is away nothing is told.
   * Where as many follow as may, it is told once, as it is, and the reader is to come again later.
   *
   * @param isKnown whether the reader knows the task as it was found
   */
  async tell(response: ServerResponse, caller: Caller, found: FoundTask, isKnown: boolean): Promise<void> {
    const { tenant, taskId } = found.task
    const { watch, held, limits } = this.#deps
    const hold = held.hold(response, caller)
    const stream = new EventStream(response, limits, hold.isFull)
    const send = async (before: TaskRecord | null, now: FoundTask) => {
      await stream.send(await this.#event(before, now), hold.signal)
      return now.task
    }
    try {
      let told = isKnown ? found.task : await send(null, found)
      if (isEnded(told.status) || hold.isFull) return
      for await (const outcome of watch.follow(tenant, taskId, hold.signal)) {
        // One that ended and was deleted before that could be told: whoever comes again is told that it is gone.
        if (outcome.outcome !== 'task') return
        if (outcome.task.version !== told.version) told = await send(told, outcome)
        if (isEnded(told.status)) return
      }
    } finally {
      stream.end(hold.signal.aborted)
      // A slow reader may take its time, but not when the process stops.
      hold.signal.addEventListener('abort', () => stream.end(true), { once: true })
      response.once('close', () => hold.release())
      if (response.destroyed) hold.release()
    }
  }

  async #event(before: TaskRecord | null, now: FoundTask): Promise<string> {
    const { estimator, now: clock } = this.#deps
    const document = bodyOf('monitor', await viewOf(now, estimator, clock()), '')
    return eventText(eventName(before, now.task), now.task.version, document)
  }
}
