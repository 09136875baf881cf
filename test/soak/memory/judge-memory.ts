/** What was seen at one moment. Bytes; `atMs` and `tasks` since the beginning. */
export interface MemorySample {
  atMs: number
  tasks: number
  redisBytes: number
  apiBytes: number
  workerBytes: number
}

export interface MemoryVerdict {
  /** The highest of Redis in the second half of the steady time, as a multiple of the highest in the first half. */
  redisGrowth: number
  /** Of the resident memory over the last half of the run: the most as a multiple of the least, by medians of 10 s. */
  apiSpread: number
  workerSpread: number
  faults: string[]
}

export const MOST_GROWTH = 1.1
const WINDOW_MS = 10_000
/** Expiry is swept by the minute, so that what is stored rises and falls by the minute. */
const CYCLE_MS = 60_000

/**
 * Judges a run: Redis is flat once retention takes as much away as comes in, the processes are over the last half.
 *
 * @param steadyFromMs from when on what comes in and what goes are the same
 * @throws {RangeError} if the steady time is less than a minute a half
 */
export function judgeMemory(samples: readonly MemorySample[], steadyFromMs: number): MemoryVerdict {
  const endMs = samples.at(-1)?.atMs ?? 0
  const middleMs = (steadyFromMs + endMs) / 2
  if (middleMs - steadyFromMs < CYCLE_MS) throw new RangeError('too short to be judged: more tasks')
  const highest = (fromMs: number, untilMs: number) =>
    Math.max(...between(samples, fromMs, untilMs).map(({ redisBytes }) => redisBytes))
  const lastHalf = between(samples, endMs / 2, endMs)
  const verdict = {
    redisGrowth: highest(middleMs, endMs) / highest(steadyFromMs, middleMs),
    apiSpread: spreadOf(lastHalf, ({ apiBytes }) => apiBytes),
    workerSpread: spreadOf(lastHalf, ({ workerBytes }) => workerBytes),
  }
  const words = {
    redisGrowth: 'Redis grows after retention has begun',
    apiSpread: 'the memory of the API is not steady over the last half',
    workerSpread: 'the memory of the worker is not steady over the last half',
  }
  const faults = (Object.keys(words) as (keyof typeof words)[])
    .filter((name) => verdict[name] > MOST_GROWTH)
    .map((name) => words[name])
  return { ...verdict, faults }
}

function between(samples: readonly MemorySample[], fromMs: number, untilMs: number): MemorySample[] {
  return samples.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs)
}

function spreadOf(samples: MemorySample[], bytesOf: (sample: MemorySample) => number): number {
  const windows = Map.groupBy(samples, ({ atMs }) => Math.floor(atMs / WINDOW_MS))
  const medians = [...windows.values()].map((window) => {
    const bytes = window.map(bytesOf).sort((a, b) => a - b)
    return bytes[bytes.length >> 1]!
  })
  return Math.max(...medians) / Math.min(...medians)
}
