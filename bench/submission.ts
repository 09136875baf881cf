import type { ActedBy, Submission } from '@accepted/core'

/** Who acts, as a client with a key would, in a trail of the usual length. */
export const ACTED_BY: ActedBy = {
  name: 'key_5dJ0cG3vQm8zR1aL',
  address: '203.0.113.7',
  requestId: '8404ff52-6495-47bf-ad24-4c17b867fdb3',
  kept: 10_000,
}

/** A submission of an operation without steps, in a lane of its own. */
export function submissionOf(operation: string, changes: Partial<Submission> = {}): Submission {
  return {
    tenant: 'default',
    operation,
    lane: operation,
    priority: 3,
    head: {
      resource: '/bench',
      verb: 'POST',
      header: {},
      params: {},
      steps: [],
      requestId: 'bench',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
    body: '{"n":1}',
    limits: {
      attempts: 3,
      startMs: null,
      runMs: 3_600_000,
      totalMs: null,
      graceMs: 5_000,
      confirmMs: null,
    },
    maxBacklog: Number.MAX_SAFE_INTEGER,
    maxQueue: Number.POSITIVE_INFINITY,
    actedBy: ACTED_BY,
    ...changes,
  }
}
