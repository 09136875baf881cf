import { seeded } from '@accepted/core/testing'
import { CLIENTS, type Client, poll, type Seen } from './clients.ts'
import { logUniform } from './random.ts'
import {
  HISTORIES,
  type HistoryName,
  LONGEST_MS,
  makeTask,
  PROGRESSES,
  type ProgressName,
  SHORTEST_MS,
} from './tasks.ts'

/** The range of lengths is cut into so many parts, each 2.3 times as long as the one before. */
const BUCKETS = 12
const BUCKET_FACTOR = (LONGEST_MS / SHORTEST_MS) ** (1 / BUCKETS)
const SEED = 20_261_121

/** A client under conditions: what it saw, by bucket of length. */
export interface Run {
  client: string
  history: HistoryName
  progress: ProgressName
  buckets: Seen[][]
}

/** What is told of a set of tasks. */
export interface Summary {
  polls: { median: number; p90: number }
  lagMs: { median: number; p90: number }
  /** The lag as a share of the task's own length. */
  lagShare: { median: number; p90: number }
  /** The share of tasks whose end was seen in time. */
  inTime: number
}

/** Every condition with the client that obeys; the others, which look at nothing, once. */
export function simulate(tasksPerBucket: number): Run[] {
  const obeying = keys(HISTORIES).flatMap((history) =>
    keys(PROGRESSES).map((progress) => run('Retry-After', history, progress, tasksPerBucket)),
  )
  const others = keys(CLIENTS).filter((name) => name !== 'Retry-After')
  return [...obeying, ...others.map((name) => run(name, 'none', 'none', tasksPerBucket))]
}

/** Whether a run is of an operation whose own durations are known. */
export function isKnown({ history }: Run): boolean {
  return history !== 'none' && history !== 'any length'
}

/** @throws {TypeError} if there is none */
export function runOf(
  runs: Run[],
  client: string,
  history: HistoryName = 'none',
  progress: ProgressName = 'none',
): Run {
  const found = runs.find(
    (run) => run.client === client && run.history === history && run.progress === progress,
  )
  if (!found) throw new TypeError(`no run of ${client} with ${history} and ${progress}`)
  return found
}

/** The middle of a bucket, ms. */
export function lengthOfBucket(bucket: number): number {
  return SHORTEST_MS * BUCKET_FACTOR ** (bucket + 0.5)
}

/** The contract's aim: within 20 % of the task's own duration or 1 s, whichever is more. */
export function isInTime({ lengthMs, lagMs }: Seen): boolean {
  return lagMs <= Math.max(1_000, 0.2 * lengthMs)
}

export function summarize(seen: Seen[]): Summary {
  return {
    polls: spread(seen.map(({ polls }) => polls)),
    lagMs: spread(seen.map(({ lagMs }) => lagMs)),
    lagShare: spread(seen.map(({ lagMs, lengthMs }) => lagMs / lengthMs)),
    inTime: seen.filter(isInTime).length / seen.length,
  }
}

/** Each run has the same chance, so that all clients meet tasks of the same lengths. */
function run(
  client: keyof typeof CLIENTS,
  history: HistoryName,
  progress: ProgressName,
  tasksPerBucket: number,
): Run {
  const lengths = seeded(SEED)
  const rest = seeded(SEED + 1)
  const buckets = Array.from({ length: BUCKETS }, (_, bucket) => {
    const from = SHORTEST_MS * BUCKET_FACTOR ** bucket
    return Array.from({ length: tasksPerBucket }, () => {
      const task = makeTask(rest, logUniform(lengths, from, from * BUCKET_FACTOR), history, progress)
      return poll(task, CLIENTS[client] as Client)
    })
  })
  return { client, history, progress, buckets }
}

function spread(values: number[]): { median: number; p90: number } {
  const sorted = values.sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!
  return { median: at(0.5), p90: at(0.9) }
}

function keys<K extends string>(record: Record<K, unknown>): K[] {
  return Object.keys(record) as K[]
}
