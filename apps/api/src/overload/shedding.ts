import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Logger } from '@accepted/core'
import {
  type Load,
  nextLevel,
  type OverloadLimits,
  pressureOf,
  type Readings,
  refusedShare,
  smoothedDelay,
} from './pressure.ts'

const LOOK_MS = 50
/** The system is asked about memory no more often: that takes as long as several requests. */
const MEMORY_HOLDS_MS = 500
const TELL_AGAIN_MS = 60_000

/** What is measured. */
export interface Probes {
  /** Milliseconds that only grow. */
  nowMs: () => number
  /** How much of the memory that it may have the process has: 0…1. */
  memoryShare: () => number
}

/** This process: the fuller of its heap and of what the machine, or its container, gives it. */
export const PROCESS: Probes = { nowMs: () => performance.now(), memoryShare: lately(memoryShare) }

function memoryShare(): number {
  const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics()
  return Math.max(used / most, process.memoryUsage.rss() / memoryLimit())
}

/** What a measurement came to, at most `MEMORY_HOLDS_MS` ago. */
function lately(measure: () => number): () => number {
  let [known, untilMs] = [0, Number.NEGATIVE_INFINITY]
  return () => {
    const nowMs = performance.now()
    if (nowMs >= untilMs) [known, untilMs] = [measure(), nowMs + MEMORY_HOLDS_MS]
    return known
  }
}

/** What the process may have in all, bytes. */
function memoryLimit(): number {
  // 0, or more than there is, where no container limits it.
  return Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())
}

/** Refuses what an overloaded process cannot bear, so that it goes on to answer the rest: starts first, single reads and acts last. */
export class Shedding {
  readonly #limits: OverloadLimits
  readonly #probes: Probes
  readonly #log: Logger
  readonly #refused: Record<Load, number> = { starts: 0, lists: 0, reads: 0 }
  /** Of each load the part of a request that is still to be refused. */
  readonly #owed: Record<Load, number> = { starts: 0, lists: 0, reads: 0 }
  readonly #timer: NodeJS.Timeout | undefined
  #lookedMs: number
  #readings: Readings = { loopDelayMs: 0, memoryShare: 0 }
  #level = 0
  #toldMs = Number.NEGATIVE_INFINITY
  #told = false

  /** Looks by itself until it is closed, unless nothing is limited. */
  constructor(limits: OverloadLimits, log: Logger, probes: Probes = PROCESS) {
    this.#limits = limits
    this.#log = log
    this.#probes = probes
    this.#lookedMs = probes.nowMs()
    if (limits.loopDelayMs > 0 || limits.memoryShare < 1) {
      this.#timer = setInterval(() => this.look(), LOOK_MS).unref()
    }
  }

  /** 0: nothing is refused, 1: all starts, 2: all lists too, 3: everything. */
  get level(): number {
    return this.#level
  }

  get readings(): Readings {
    return this.#readings
  }

  /** How many requests were refused, by their load. */
  get refused(): Readonly<Record<Load, number>> {
    return this.#refused
  }

  /** Whether the next request of this load is to be refused. Of a share each so many-th is. */
  refuses(load: Load): boolean {
    if (this.#level === 0) return false
    this.#owed[load] += refusedShare(this.#level, load)
    if (this.#owed[load] < 1) return false
    this.#owed[load] -= 1
    this.#refused[load] += 1
    return true
  }

  /** Looks how the process fares. To be called every `LOOK_MS`: by how much later, so much is the loop delayed. */
  look(): void {
    const nowMs = this.#probes.nowMs()
    const passedMs = nowMs - this.#lookedMs
    this.#lookedMs = nowMs
    const lagMs = passedMs - LOOK_MS
    const memoryShare = this.#probes.memoryShare()
    this.#readings = {
      loopDelayMs: smoothedDelay(this.#readings.loopDelayMs, lagMs, passedMs),
      memoryShare,
    }
    const pressure = pressureOf(this.#readings, this.#limits)
    const pressureNow = pressureOf({ loopDelayMs: lagMs, memoryShare }, this.#limits)
    this.#level = nextLevel(this.#level, pressure, pressureNow, passedMs)
    this.#tell(nowMs)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tell(nowMs: number): void {
    if (this.#level > 0 && !this.#told && nowMs - this.#toldMs >= TELL_AGAIN_MS) {
      this.#told = true
      this.#toldMs = nowMs
      this.#log.warn({ ...this.#readings }, 'overloaded: requests are refused')
    } else if (this.#level === 0 && this.#told) {
      this.#told = false
      this.#log.info({ refused: { ...this.#refused } }, 'not overloaded any more')
    }
  }
}
