import type { EndpointHealth } from '../../outbox.ts'

const BREAK_AFTER = 5
const LONGEST_PAUSE_MS = 60_000
const RECENT_ATTEMPTS = 100
const QUICK_MS = 1_000
const SLOW_AFTER = 2

/** An endpoint as it should be. */
export interface ModelEndpoint {
  failures: number
  /** Null: it is well. */
  cap: number | null
  pause: number | null
  probe: number | null
  /** Since when it has not answered. */
  silentSince: number | null
  recent: string
  /** So many slow attempts in a row make it slow; 0: it is. */
  quick: number
}

export function newEndpoint(): ModelEndpoint {
  return { failures: 0, cap: null, pause: null, probe: null, silentSince: null, recent: '', quick: 0 }
}

/**
 * An attempt is over.
 *
 * @param fullCap of an endpoint that is well
 * @returns whether it is let alone from now on
 */
export function endpointTried(
  endpoint: ModelEndpoint,
  health: EndpointHealth,
  clock: number,
  fullCap: number,
  firstPauseMs: number,
): boolean {
  endpoint.recent = (endpoint.recent + (health === 'well' ? '1' : '0')).slice(-RECENT_ATTEMPTS)
  endpoint.silentSince = health === 'ill' ? (endpoint.silentSince ?? clock) : null
  if (health !== 'ill') {
    endpoint.failures = 0
    endpoint.probe = null
    if (endpoint.cap === null) return false
    endpoint.cap = Math.max(1, 2 * endpoint.cap)
    if (endpoint.cap >= fullCap) {
      endpoint.cap = null
      endpoint.pause = null
    }
    return false
  }
  endpoint.failures += 1
  if (endpoint.failures < BREAK_AFTER || endpoint.cap === 0) return false
  endpoint.pause = Math.min(LONGEST_PAUSE_MS, endpoint.pause ? 2 * endpoint.pause : firstPauseMs)
  endpoint.cap = 0
  endpoint.probe = clock + endpoint.pause
  return true
}

/** An attempt took so long, whatever came of it. */
export function endpointTook(endpoint: ModelEndpoint, durationMs: number): void {
  endpoint.quick = durationMs < QUICK_MS ? SLOW_AFTER : Math.max(0, endpoint.quick - 1)
}
