import { guarded } from './outage.ts'
import type { Scripts } from './scripts.ts'

/** How many tasks of a lane wait and run, and how many the living workers run at once. */
export interface LaneFigures {
  lane: string
  waiting: number
  running: number
  slots: number
}

/** What there is and was in all shards, counted by the scripts that did it. */
export interface StoreFigures {
  /** By the names of scripts/lib/shard.lua: words with a space between. */
  counters: ReadonlyMap<string, number>
  lanes: LaneFigures[]
  /** For how long nobody has ticked in the shard in which that is longest; null: never in one of them. */
  tickAgeMs: number | null
  redis: {
    usedBytes: number
    /** 0: as much as the machine has. */
    maxBytes: number
  }
}

/**
 * Reads the figures: one short script call a shard, which scans nothing.
 *
 * @throws {StoreUnavailable}
 */
export async function readFigures(scripts: Scripts, lanes: readonly string[]): Promise<StoreFigures> {
  const [memory, ...answers] = await Promise.all([
    guarded(() => scripts.redis.info('memory')),
    ...Array.from({ length: scripts.shards }, (_, shard) => scripts.run('figures', shard, [...lanes])),
  ])
  const counters = new Map<string, number>()
  const ofLanes = lanes.map((lane) => ({ lane, waiting: 0, running: 0, slots: 0 }))
  let tickAgeMs: number | null = 0
  for (const { nowMs, answer } of answers) {
    const [tickedMs, flat, ...numbers] = answer as [number, string[], ...number[]]
    tickAgeMs = tickedMs === 0 || tickAgeMs === null ? null : Math.max(tickAgeMs, nowMs - tickedMs)
    for (let at = 0; at < flat.length; at += 2) {
      counters.set(flat[at]!, (counters.get(flat[at]!) ?? 0) + Number(flat[at + 1]))
    }
    for (const [nth, figures] of ofLanes.entries()) {
      figures.waiting += numbers[3 * nth]!
      figures.running += numbers[3 * nth + 1]!
      figures.slots += numbers[3 * nth + 2]!
    }
  }
  const bytes = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(memory)?.[1])
  return {
    counters,
    lanes: ofLanes,
    tickAgeMs,
    redis: { usedBytes: bytes('used_memory'), maxBytes: bytes('maxmemory') },
  }
}
