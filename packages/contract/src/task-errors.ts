import type { FailureReason } from './status.ts'

/** What a task's `error` can say, by kind; each is explained at `/problems/{kind}`. */
export const TASK_ERRORS: Record<FailureReason | 'attempt_failed', { title: string; explanation: string }> = {
  attempt_failed: {
    title: 'The attempt failed',
    explanation: 'This attempt met an unexpected fault. The task is tried again.',
  },
  attempts_exhausted: {
    title: 'No attempt succeeded',
    explanation: 'Every attempt met an unexpected fault, and no more are made. Start the operation again.',
  },
  permanent_error: {
    title: 'The operation cannot succeed',
    explanation: 'The operation found that no further attempt can succeed; `message` says why.',
  },
  invalid_result: {
    title: 'The result broke its own contract',
    explanation: 'The operation ran but returned something other than it promises. The fault is ours.',
  },
  worker_lost: {
    title: 'The workers were lost',
    explanation: 'Three workers died while they ran this task, so it is not tried again.',
  },
}
