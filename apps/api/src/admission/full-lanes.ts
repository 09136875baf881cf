import { drainGapMs, type LaneState, StoreUnavailable } from '@accepted/core'
import { ProblemError } from '../problem.ts'
import type { RetryBounds } from '../retry-after.ts'
import { turnOf } from './room.ts'

/** What is known of a lane is believed for so long. */
const BELIEVED_MS = 250
/** And once it is older than this, asked for anew by the side while starts come in. */
const FRESH_MS = 125

/** So many turns are remembered: callers may ask for queues of any length. */
const MOST_TURNS = 1_000

/** A lane, and whose recent durations tell how fast it is while nothing else does. */
export interface Lane {
  lane: string
  operation: string
}

export interface FullLanesDependencies {
  look: (lane: Lane) => Promise<LaneState>
  /** Most tasks that may wait in a lane. */
  maxBacklog: number
  bounds: RetryBounds
  /** Milliseconds that only grow. */
  monotonic?: () => number
  /** 0…1. */
  chance?: () => number
}

interface Known {
  state: LaneState
  atMs: number
}

/**
 * Which lanes are full, so that a start for one that is costs no work: looked at when the store refuses one, and at most eight
 * times a second while more come in. The store has the last word: what is not known to be full is asked.
 */
export class FullLanes {
  readonly #look: FullLanesDependencies['look']
  readonly #maxBacklog: number
  readonly #bounds: RetryBounds
  readonly #monotonic: () => number
  readonly #chance: () => number
  readonly #known = new Map<string, Known>()
  readonly #looks = new Map<string, Promise<Known>>()
  /** How many starts were refused without the store. */
  refused = 0
  /** The turn of who was told last to come again, by lane and the queue that it accepts: Redis's time. The one told first comes first. */
  readonly #turns = new Map<string, number>()

  constructor({
    look,
    maxBacklog,
    bounds,
    monotonic = () => performance.now(),
    chance = Math.random,
  }: FullLanesDependencies) {
    this.#look = look
    this.#maxBacklog = maxBacklog
    this.#bounds = bounds
    this.#monotonic = monotonic
    this.#chance = chance
  }

  /** The refusal of a start whose lane is known to be full; undefined: let it go on. */
  knownRefusal(lane: Lane): ProblemError | undefined {
    const known = this.#known.get(lane.lane)
    if (!known || known.state.waiting < this.#maxBacklog) return undefined
    const ageMs = this.#monotonic() - known.atMs
    if (ageMs > FRESH_MS) this.#lookAgain(lane)
    if (ageMs > BELIEVED_MS) return undefined
    this.refused += 1
    return this.#refusal(lane, known, known.state.waiting, this.#maxBacklog - 1)
  }

  /**
   * The refusal of a start that the store refused.
   *
   * @param waiting in the lane, as the store told it
   * @param maxQueue most tasks that the caller accepts before its own
   * @throws {StoreUnavailable}
   */
  async refusal(lane: Lane, waiting: number, maxQueue: number): Promise<ProblemError> {
    const known = await this.#lookedAt(lane)
    return this.#refusal(lane, known, waiting, Math.min(maxQueue, this.#maxBacklog - 1))
  }

  /** Seconds until the lane has likely taken so many tasks, within the bounds; null: nobody knows. @throws {StoreUnavailable} */
  async whenTaken(lane: Lane, tasks: number | null): Promise<number> {
    const { state, atMs } = await this.#lookedAt(lane)
    const nowMs = state.nowMs + this.#monotonic() - atMs
    const gapMs = tasks === null ? Number.POSITIVE_INFINITY : tasks && drainGapMs({ ...state, nowMs })
    const crowded = { excess: tasks || 1, gapMs }
    return turnOf(crowded, { nowMs, lastMs: 0, chance: this.#chance(), bounds: this.#bounds }).retryAfter
  }

  /** @param most tasks that may wait for the caller to be let in */
  #refusal({ lane }: Lane, { state, atMs }: Known, waiting: number, most: number): ProblemError {
    const nowMs = state.nowMs + this.#monotonic() - atMs
    // Who accepts a shorter queue waits for longer, and must not make those wait who would come sooner.
    const queue = `${lane} ${most}`
    const turn = turnOf(
      { excess: Math.max(1, waiting - most), gapMs: drainGapMs({ ...state, nowMs }) },
      { nowMs, lastMs: this.#turns.get(queue) ?? 0, chance: this.#chance(), bounds: this.#bounds },
    )
    this.#turns.delete(queue)
    this.#turns.set(queue, turn.atMs)
    if (this.#turns.size > MOST_TURNS) this.#turns.delete(this.#turns.keys().next().value!)
    return new ProblemError(
      'backlog_full',
      `${waiting} ${waiting === 1 ? 'task is' : 'tasks are'} waiting.`,
      {
        headers: { 'retry-after': String(turn.retryAfter) },
      },
    )
  }

  /** The lane as it was a moment ago, or is. */
  #lookedAt(lane: Lane): Promise<Known> {
    const known = this.#known.get(lane.lane)
    if (known && this.#monotonic() - known.atMs <= FRESH_MS) return Promise.resolve(known)
    const looking = this.#looks.get(lane.lane)
    if (looking) return looking
    const looked = this.#ask(lane).finally(() => this.#looks.delete(lane.lane))
    this.#looks.set(lane.lane, looked)
    return looked
  }

  async #ask(lane: Lane): Promise<Known> {
    const atMs = this.#monotonic()
    const known = { state: await this.#look(lane), atMs }
    this.#known.set(lane.lane, known)
    return known
  }

  #lookAgain(lane: Lane): void {
    this.#lookedAt(lane).catch((error) => {
      // What was known is not believed much longer, and then starts are told that the store is away.
      if (!(error instanceof StoreUnavailable)) throw error
    })
  }
}
