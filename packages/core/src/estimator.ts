import { etaMs, soonestMs } from './eta.ts'
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
    const { state, atMs } = this.#laneState(shardOfId(task.taskId), task.lane, task.operation)
    const load = await state
    const nowMs = load.nowMs + this.#monotonic() - atMs
    return {
      etaMs: etaMs(task, position, load, nowMs),
      soonestMs: soonestMs(task, position, load, nowMs),
      queuePosition: position,
    }
  }

  #laneState(shard: number, lane: string, operation: string): { state: Promise<LaneState>; atMs: number } {
    const key = `${shard} ${operation}`
    const atMs = this.#monotonic()
    const known = this.#known.get(key)
    if (known && atMs - known.atMs <= FRESH_MS) return known
    const asked = { state: this.#upkeep.laneState(shard, lane, operation).then(inOrder), atMs }
    this.#known.set(key, asked)
    asked.state.catch(() => this.#known.delete(key))
    return asked
  }
}

/** The state with its durations ascending, as the estimates take them. */
function inOrder(state: LaneState): LaneState {
  return { ...state, recentMs: [...state.recentMs].sort((a, b) => a - b) }
}
