import { setTimeout as pause } from 'node:timers/promises'
import autocannon from 'autocannon'
import type { Redis } from 'ioredis'

/** Requests per second that a server answers with 64 connections open, over a few seconds; any error fails the bench. */
export async function requestsPerSecond(options: autocannon.Options, seconds: number): Promise<number> {
  const result = await autocannon({ connections: 64, duration: seconds, ...options })
  if (result.errors > 0 || result.non2xx > 0) {
    throw new Error(`${result.errors} errors, ${result.non2xx} answers that are not 2xx from ${options.url}`)
  }
  return result.requests.average
}

/** Processor time that a Redis has taken for commands since it was started, ms. */
export async function processorMsOf(redis: Redis): Promise<number> {
  const info = await redis.info('cpu')
  const seconds = (name: string) => Number(new RegExp(`${name}_main_thread:([\\d.]+)`).exec(info)?.[1])
  return 1_000 * (seconds('used_cpu_sys') + seconds('used_cpu_user'))
}

/** The middle of an odd number of figures, or the mean of the two in the middle. */
export function median(figures: number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The figure that 99 of 100 are not above. */
export function p99(figures: number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.ceil(figures.length * 0.99) - 1]!
}

/**
 * Acts at a steady rate, whether or not what was begun before is over; resolves when all of it is.
 *
 * @param act is called with 0, 1, 2, …
 */
export async function steadily(perSecond: number, seconds: number, act: (n: number) => Promise<unknown>) {
  const began = performance.now()
  const acts: Promise<unknown>[] = []
  while (acts.length < perSecond * seconds) {
    const dueMs = began + (acts.length * 1000) / perSecond
    await pause(Math.max(0, dueMs - performance.now()))
    acts.push(act(acts.length))
  }
  await Promise.all(acts)
}

/** What was measured of two sides. */
export interface Sides {
  ours: number[]
  theirs: number[]
}

/** Measures two sides in turn, so that whatever else the machine does befalls both. */
export async function inTurn(
  rounds: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<Sides> {
  const figures: Sides = { ours: [], theirs: [] }
  for (let round = 0; round < rounds; round += 1) {
    figures.theirs.push(await theirs())
    figures.ours.push(await ours())
  }
  return figures
}

export function mediansOf({ ours, theirs }: Sides): { ours: number; theirs: number } {
  return { ours: median(ours), theirs: median(theirs) }
}

/** Measures two sides in turn; resolves to the medians. */
export async function sideBySide(
  ...measured: Parameters<typeof inTurn>
): Promise<{ ours: number; theirs: number }> {
  return mediansOf(await inTurn(...measured))
}
