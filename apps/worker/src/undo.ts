import { readJson } from '@accepted/core'
import type { StepOptions } from '@accepted/operations'
import { AttemptAborted, causeOf } from './attempt-aborted.ts'
import type { HeldTask } from './held-task.ts'
import { persist } from './persist.ts'
import { callHandler } from './runnable-operation.ts'
import { saneError } from './sane-error.ts'

/** A step and how to undo it. */
interface Reversal {
  name: string
  undo: (signal: AbortSignal) => Promise<void> | void
}

/** Undoing stopped at a step whose undo failed, or took too long. */
export class UndoFailed extends Error {
  override name = 'UndoFailed'
  readonly step: string
  /** Whether a step was undone before. */
  readonly progressed: boolean

  constructor(step: string, progressed: boolean, cause: unknown) {
    super('a step was not undone', { cause })
    this.step = step
    this.progressed = progressed
  }
}

/**
 * Undoes the steps of a task that finished or were cut off, newest first, each recorded before and after.
 *
 * @throws {UndoFailed} at the first step whose undo fails
 * @throws {AttemptAborted} once the pass must end for another reason
 */
export async function undoSteps(held: HeldTask): Promise<void> {
  const { head, steps } = held.claim.task
  const left = head.steps.filter((name) => steps.get(name)?.undoable)
  if (left.length === 0) return
  let [step, progressed] = [left.at(-1)!, false]
  try {
    const reversals = await learnReversals(held, new Set(left))
    const unknown = left.findLast((name) => !reversals.some((reversal) => reversal.name === name))
    if (unknown) {
      step = unknown
      throw new Error('the handler tells no undo for it any more')
    }
    for (const { name, undo } of reversals.reverse()) {
      step = name
      await write(held, name, 'reverting')
      await untilAborted(held.abort.signal, async () => undo(held.abort.signal))
      await write(held, name, 'reverted')
      progressed = true
      held.log.info({ step: name }, 'step undone')
    }
  } catch (error) {
    const why = causeOf(held.abort.signal)
    if (why && why !== 'timed_out') throw error
    throw new UndoFailed(step, progressed, saneError(error))
  }
}

/**
 * Calls the handler again to learn the undos; resolves to these in the order in which it came by them. A branch of it goes up
 * to its first step that is not finished; once one has, or the handler has settled, others have the grace to come by theirs.
 */
async function learnReversals(held: HeldTask, wanted: Set<string>): Promise<Reversal[]> {
  const { task } = held.claim
  const found = new Map<string, Reversal>()
  const over = new AbortController()
  const end = () => over.abort(new AttemptAborted('undoing'))
  let grace: NodeJS.Timeout | undefined
  const endSoon = () => {
    grace ??= setTimeout(end, task.graceMs)
  }
  const signal = AbortSignal.any([over.signal, held.abort.signal])
  const step = async <T>(name: string, _run: unknown, { undo }: StepOptions<T> = {}): Promise<T> => {
    const stored = task.steps.get(name)
    const outcome = stored?.outcome ? (readJson(stored.outcome) as T) : undefined
    if (undo && wanted.has(name) && !found.has(name))
      found.set(name, { name, undo: (until) => undo(outcome, until) })
    if (found.size === wanted.size) end()
    // The handler may have gone on after it.
    if (stored?.state === 'failed' && !over.signal.aborted) throw new Error(`the step '${name}' failed`)
    if (outcome !== undefined && !over.signal.aborted) return outcome
    endSoon()
    return aborted(signal)
  }
  const facilities = {
    signal,
    step,
    log: held.log,
    resources: held.resources,
    progress: () => undefined,
  }
  callHandler(task, held.operation, facilities).then(endSoon, (error) => {
    if (!signal.aborted)
      held.log.warn({ err: saneError(error) }, 'the handler failed while its undos were asked for')
    endSoon()
  })
  await aborted(signal).catch(() => undefined)
  clearTimeout(grace)
  held.abort.signal.throwIfAborted()
  return [...found.values()]
}

/** Rejects with the signal's reason when it fires. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fire = () => reject(signal.reason)
    if (signal.aborted) fire()
    else signal.addEventListener('abort', fire, { once: true })
  })
}

/** What a call comes to, or the signal's reason if that fires first: a call that ignores it is not waited for. */
async function untilAborted<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  return Promise.race([call(), aborted(signal)])
}

async function write(held: HeldTask, name: string, state: 'reverting' | 'reverted'): Promise<void> {
  held.abort.signal.throwIfAborted()
  const written = await persist(() => held.work.step(held.claim, name, state), held.log)
  if (written === 'stale') held.abort.abort(new AttemptAborted('fenced'))
  held.abort.signal.throwIfAborted()
}
