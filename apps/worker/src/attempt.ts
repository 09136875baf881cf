import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '@accepted/core'
import { type AbortCause, AttemptAborted, causeOf } from './attempt-aborted.ts'
import type { HeldTask } from './held-task.ts'
import { Progress } from './progress.ts'
import { callHandler } from './runnable-operation.ts'
import { saneError } from './sane-error.ts'
import { Steps } from './steps.ts'

/** What one call of a handler came to. */
export type Settled =
  | { kind: 'returned'; value: unknown }
  | { kind: 'threw'; error: unknown }
  | { kind: 'aborted'; why: AbortCause }

/**
 * Runs a handler until it settles or its attempt must end. One that is canceled or out of time has its grace to settle, so
 * that what it finishes meanwhile is known; after that it is not waited for: its later writes are refused.
 */
export async function runAttempt(held: HeldTask): Promise<Settled> {
  const { work, claim, abort, log } = held
  const { signal } = abort
  const steps = new Steps(work, claim, abort, log)
  const progress = new Progress(async (percent) => {
    try {
      const written = await work.progress(claim, percent)
      if (written !== 'ok') abort.abort(new AttemptAborted(written === 'stale' ? 'fenced' : 'canceled'))
    } catch (error) {
      log.warn({ err: error }, 'progress was not stored')
    }
  })
  const aborted = new Promise<'aborted'>((resolve) => {
    signal.addEventListener('abort', () => resolve('aborted'), { once: true })
    if (signal.aborted) resolve('aborted')
  })
  const handled = callHandler(claim.task, held.operation, {
    signal,
    log,
    resources: held.resources,
    step: (name, run, options) => steps.run(name, run, options),
    progress: (percent) => progress.set(percent),
  }).then(
    (value): Settled => ({ kind: 'returned', value }),
    (error): Settled => ({ kind: 'threw', error: saneError(error) }),
  )
  const first = await Promise.race([handled, aborted])
  await progress.stop()
  if (first !== 'aborted' && first.kind === 'returned') return first
  const why = causeOf(signal)
  if (why === undefined) return first as Settled
  if (why === 'canceled' || why === 'timed_out') await settledWithin(claim.task.graceMs, handled, log)
  return { kind: 'aborted', why }
}

async function settledWithin(graceMs: number, handled: Promise<Settled>, log: Logger): Promise<void> {
  const over = new AbortController()
  const grace = pause(graceMs, 'over' as const, { signal: over.signal }).catch(() => undefined)
  if ((await Promise.race([handled, grace])) === 'over')
    log.warn('the handler ignores its signal; it is cut off')
  over.abort()
}
