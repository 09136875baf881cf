import { etaMs, gapMs, soonestMs } from './eta.ts'
import { shardOfId } from './ids.ts'
import type { TaskRecord } from './store/record.ts'
import type { LaneState, Upkeep } from './store/upkeep.ts'

const FRESH_MS = 500

/** What a document says of a task beyond its record. */
export interface Estimate {
  /** Milliseconds to the end; null: unknown. */
  etaMs: number | null
  /** Milliseconds to the soonest end to reckon with, by which a client may ask again; null: unknown. */
  soonestMs: number | null
  /** 0-based; null unless it waits in its lane. */
  queuePosition: number | null
}

/** Estimates from the lanes' state, which it asks Redis for at most every half second a lane and operation. */
export class Estimator {
  readonly #upkeep: Upkeep
  readonly #monotonic: () => number
  readonly #known = new Map<string, { state: Promise<LaneState>; atMs: number }>()

  /** @param monotonic milliseconds that only grow */
  constructor(upkeep: Upkeep, monotonic: () => number = () => performance.now()) {
    this.#upkeep = upkeep
    this.#monotonic = monotonic
  }

  /**
   * @param position of a pending task, as the store told it
   * @throws {StoreUnavailable}
   */
  async estimate(task: TaskRecord, position: number | null): Promise<Estimate> {
    if (task.finishedMs !== null) return { etaMs: 0, soonestMs: 0, queuePosition: null }
    const { state, ageMs } = await this.#laneState(shardOfId(task.taskId), task.lane, task.operation)
    const nowMs = state.nowMs + ageMs
    return {
      etaMs: etaMs(task, position, state, nowMs),
      soonestMs: soonestMs(task, position, state, nowMs),
      queuePosition: position,
    }
  }

  /**
   * Milliseconds until the next task of a lane is likely to leave it; null while nothing is known.
   *
   * @throws {StoreUnavailable}
   */
  async gapMs(lane: string, operation: string, shard = 0): Promise<number | null> {
    const { state } = await this.#laneState(shard, lane, operation)
    return gapMs(state)
  }

  async #laneState(
    shard: number,
    lane: string,
    operation: string,
  ): Promise<{ state: LaneState; ageMs: number }> {
    const key = `${shard} ${operation}`
    const local = this.#monotonic()
    let known = this.#known.get(key)
    if (!known || local - known.atMs > FRESH_MS) {
      known = { state: this.#upkeep.laneState(shard, lane, operation).then(inOrder), atMs: local }
      this.#known.set(key, known)
      known.state.catch(() => this.#known.delete(key))
    }
    const state = await known.state
    return { state, ageMs: this.#monotonic() - known.atMs }
  }
}

/** The state with its durations ascending, as the estimates take them. */
function inOrder(state: LaneState): LaneState {
  return { ...state, recentMs: [...state.recentMs].sort((a, b) => a - b) }
}
