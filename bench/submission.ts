import type { Submission } from '@accepted/core'

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
    ...changes,
  }
}
