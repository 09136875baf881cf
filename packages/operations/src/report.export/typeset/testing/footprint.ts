/**
 * Makes a report of so many orders (the first argument) in a process of its own, writes nothing, and tells on standard
 * output what it took, as JSON: see Footprint.
 */
import { typesetReport } from '../report.ts'
import { makeOrders } from './orders.ts'
import { range } from './read-report.ts'

export interface Footprint {
  readonly sizeBytes: number
  readonly seconds: number
  /** The most memory of the whole process that was seen. */
  readonly peakBytes: number
  /** The longest that the main thread worked without a turn of the event loop, in its own time: others don't count. */
  readonly longestTurnMs: number
}

async function measure(count: number): Promise<Footprint> {
  let peakBytes = 0
  let longestTurnMs = 0
  let before = threadMs()
  const turns = setInterval(() => {
    const now = threadMs()
    longestTurnMs = Math.max(longestTurnMs, now - before)
    before = now
  }, 1)
  const samples = setInterval(() => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
  }, 20)
  const start = performance.now()
  let sizeBytes = 0
  for await (const bytes of typesetReport({ ...range, orders: makeOrders(count) })) sizeBytes += bytes.length
  const seconds = (performance.now() - start) / 1000
  clearInterval(turns)
  clearInterval(samples)
  return { sizeBytes, seconds, peakBytes, longestTurnMs }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]))))
