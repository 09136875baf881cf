import type { LaneJobs } from '../lane-jobs.ts'
import type { Scripts } from './scripts.ts'
import { LEASE_MS } from './work.ts'

/** Things done in one pass, so that none holds Redis for long. */
const TICK_LIMIT = 200
const PROBE_AFTER_MS = 5_000

/** A worker lost this often ends its task. */
const MAX_LOSSES = 3

/** How much of Redis passes of upkeep may take, in ms. */
export interface Pace {
  /** A pass that begins sooner after another, of whatever worker, does nothing. */
  apartMs: number
  /** What a pass has not begun by then is for the next one. */
  passMs: number
}

/** However much is due and however many workers tick, others wait for one pass at most, and have Redis half of the time. */
export const PACE: Pace = { apartMs: 10, passMs: 5 }
const UNHURRIED: Pace = { apartMs: 0, passMs: 60_000 }

/** What upkeep needs to know of ended tasks. */
export interface UpkeepTerms {
  /** How long an ended record is kept. */
  retentionMs: number
  /** How long an expired task answers 410. */
  tombstoneMs: number
  /** Bytes of ended records and deliveries that a shard may store; above it records expire before their time. 0: any number. */
  maxStoredBytes: number
  /** Default: a pass ends with its last thing, and any may follow another. */
  pace?: Pace
}

/** What a lane really does. Durations in ms, newest first. */
export interface LaneState {
  /** Redis's time. */
  nowMs: number
  waiting: number
  running: number
  /** Tasks that the living workers run at once. */
  slots: number
  /** When a worker last fetched from it; 0: never. */
  fetchedMs: number
  /** Waiting tasks that could start now, caps regarded. */
  claimable: number
  recentMs: number[]
}

/** Keeps the house: timers, expiry, missing jobs, who is at work. */
export class Upkeep {
  readonly #scripts: Scripts
  readonly #jobs: LaneJobs
  readonly #looks = new Map<string, { nowMs: number; missing: number }>()

  constructor(scripts: Scripts, jobs: LaneJobs) {
    this.#scripts = scripts
    this.#jobs = jobs
  }

  /**
   * Does what is due in a shard, as far as one pass may. Resolves to how many things it did, whether there may be more, and how many
   * records expired before their time.
   *
   * @param probeAfterMs a lane in which nobody has fetched for so long is sent a job, to see whether a worker is there
   */
  async tick(
    shard: number,
    lanes: readonly string[],
    { tombstoneMs, retentionMs, maxStoredBytes, pace = UNHURRIED }: UpkeepTerms,
    probeAfterMs = PROBE_AFTER_MS,
  ): Promise<{ done: number; more: boolean; madeRoom: number }> {
    const terms = [TICK_LIMIT, tombstoneMs, probeAfterMs, LEASE_MS, MAX_LOSSES, retentionMs]
    const { answer } = await this.#scripts.run('tick', shard, [
      ...terms,
      pace.apartMs,
      pace.passMs,
      maxStoredBytes,
      ...lanes,
    ])
    const [done, more, madeRoom] = answer as [number, number, number]
    return { done, more: more === 1, madeRoom }
  }

  /**
   * @param lifetimeMs how long the news is believed
   * @param endpointCap deliveries that one endpoint is sent at once
   * @param tenantCap tasks of a tenant that run at once in a lane, unless its own limit says another number; 0: as many as
   *   there are slots
   */
  async heartbeat(
    shard: number,
    worker: string,
    slots: Record<string, number>,
    lifetimeMs: number,
    endpointCap: number,
    tenantCap = 0,
  ): Promise<void> {
    const news = [worker, lifetimeMs, endpointCap, tenantCap, ...Object.entries(slots).flat()]
    await this.#scripts.run('heartbeat', shard, news)
  }

  async laneState(shard: number, lane: string, operation = ''): Promise<LaneState> {
    const { nowMs, answer } = await this.#scripts.run('lane', shard, [lane, operation])
    const [waiting, running, slots, fetchedMs, claimable, ...recentMs] = answer as number[]
    return {
      nowMs,
      waiting: waiting!,
      running: running!,
      slots: slots!,
      fetchedMs: fetchedMs!,
      claimable: claimable!,
      recentMs,
    }
  }

  /**
   * Adds the jobs that a crash between create and add left out: tasks could start, slots are free, and no job is there.
   * It counts only when it is still so at the next look, since jobs that are just on their way look the same. In a lane that
   * is busy they may do so twice; one in which nobody fetched between the two looks stood still for want of them.
   */
  async topUp(shard: number, lane: string): Promise<{ added: number; stoodStill: boolean }> {
    const where = `${shard} ${lane}`
    const before = this.#looks.get(where)
    if ((await this.#jobs.waiting(shard, lane)) > 0) {
      this.#looks.delete(where)
      return { added: 0, stoodStill: false }
    }
    const state = await this.laneState(shard, lane)
    const missing = startable(state)
    this.#looks.set(where, { nowMs: state.nowMs, missing })
    const added = Math.min(missing, before?.missing ?? 0)
    this.#jobs.add(shard, lane, added)
    return { added, stoodStill: added > 0 && state.fetchedMs <= before!.nowMs }
  }
}

function startable({ claimable, slots, running }: LaneState): number {
  return Math.min(claimable, Math.max(0, slots - running))
}
