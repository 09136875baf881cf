import type { DeliveryDocument, EndpointDocument } from '@accepted/contract'
import {
  type Callback,
  type Delivery,
  type Endpoint,
  maybeTimestamp,
  messageId,
  timestamp,
} from '@accepted/core'

/** A delivery as its client sees it. */
export function deliveryDocument(delivery: Delivery, { url }: Callback): DeliveryDocument {
  const { event, status, nextAttemptMs, attempts } = delivery
  return {
    delivery_id: messageId(delivery),
    event,
    // A secret may be in its query.
    url: url.split('?')[0]!,
    status,
    next_attempt_at: maybeTimestamp(nextAttemptMs),
    attempts: attempts.map(({ atMs, httpStatus, error, durationMs }) => ({
      at: timestamp(atMs),
      http_status: httpStatus,
      error,
      duration_ms: durationMs,
    })),
  }
}

/** An endpoint as its client sees it. */
export function endpointDocument(endpoint: Endpoint): EndpointDocument {
  const { origin, successRate, lastError, breaker, probeMs, backlog, waiting, running } = endpoint
  return {
    endpoint: origin,
    success_rate: successRate,
    last_error: lastError && { at: timestamp(lastError.atMs), error: lastError.error },
    breaker,
    next_probe_at: maybeTimestamp(probeMs),
    backlog,
    waiting,
    running,
  }
}
