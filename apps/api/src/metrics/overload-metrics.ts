import { Counter, Gauge, Registry } from 'prom-client'
import type { FullLanes } from '../admission/full-lanes.ts'
import type { Shedding } from '../overload/shedding.ts'

/** What this process refuses so that it can do the rest, and why. */
export function overloadMetrics(shedding: Shedding, fullLanes: FullLanes): Registry {
  const registry = new Registry()
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value())
      },
    })
  new Counter({
    name: 'http_requests_shed_total',
    help: 'Requests that were refused before any work: starts, lists, reads (overloaded), and starts for full lanes',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [kind, count] of Object.entries({ ...shedding.refused, full_lane: fullLanes.refused })) {
        this.inc({ kind }, count)
      }
    },
  })
  gauge(
    'http_shedding_level',
    'What is refused: 0 nothing, 1 all starts, 2 all lists too, 3 all',
    () => shedding.level,
  )
  gauge('http_loop_delay_seconds', 'Smoothed delay of the event loop, by which requests are refused', () => {
    return shedding.readings.loopDelayMs / 1000
  })
  gauge('http_memory_share', 'How much of its memory the process has, by which requests are refused', () => {
    return shedding.readings.memoryShare
  })
  return registry
}
