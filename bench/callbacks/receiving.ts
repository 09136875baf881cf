import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { startProcess } from '../processes.ts'
import type { Arrivals } from './receivers.ts'

/** What came within this time after the last act would have come. */
const LATEST_MS = 60_000

/** Receivers in a process of their own. */
export interface Receiving {
  healthy: string[]
  dead: string[]
  /** Waits until so many messages have come since it was asked last. @throws {Error} if it takes a minute, or more come */
  arrived(count: number): Promise<Arrivals>
  end(): Promise<void>
}

/** Starts so many healthy receivers and so many that never answer. */
export async function startReceivers(healthy: number, dead: number): Promise<Receiving> {
  const { child, told, end } = await startProcess('bench/callbacks/receivers.ts', {
    HEALTHY: String(healthy),
    DEAD: String(dead),
  })
  const ask = async () => {
    child.send('arrivals')
    const [answer] = await once(child, 'message')
    return answer as Arrivals
  }
  return {
    healthy: told.healthy as string[],
    dead: told.dead as string[],
    async arrived(count) {
      const latest = performance.now() + LATEST_MS
      const all = await ask()
      while (all.latencies.length < count && performance.now() < latest) {
        await pause(20)
        const { latencies, firstMs, lastMs } = await ask()
        all.latencies = all.latencies.concat(latencies)
        all.firstMs = Math.min(all.firstMs, firstMs)
        all.lastMs = Math.max(all.lastMs, lastMs)
      }
      if (all.latencies.length !== count)
        throw new Error(`${all.latencies.length} of ${count} callbacks came`)
      return all
    },
    end,
  }
}
