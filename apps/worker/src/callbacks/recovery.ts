import { setTimeout as pause } from 'node:timers/promises'
import { redeliverCallbacks } from '@accepted/contract'
import type { Deliveries } from '@accepted/core'
import { type HandledOperation, handle } from '@accepted/operations'

const PACE_MS = 250
/** At an endpoint: what it takes within the pace, if it is quick. */
const MOST_WAITING = 10

/**
 * The recovery after a receiver's outage. It feeds the lane of callbacks no faster than that empties, and waits for endpoints that
 * are not well. Under which name the store remembers what it has done is its task's id, so that it goes on wherever it is taken up.
 */
export function recoveryOperation(deliveries: Deliveries): HandledOperation {
  return handle(redeliverCallbacks, async ({ input, tenant, taskId, signal, progress }) => {
    const { since, until, endpoint } = input
    const scope = {
      sinceMs: Date.parse(since),
      untilMs: Date.parse(until),
      ...(endpoint === undefined ? {} : { origin: new URL(endpoint).origin }),
    }
    for (;;) {
      signal.throwIfAborted()
      const { tried, left } = await deliveries.recover(tenant, taskId, scope, MOST_WAITING)
      if (left === 0) return { redelivered: tried }
      progress((100 * tried) / (tried + left))
      await pause(PACE_MS, undefined, { signal })
    }
  })
}
