import type { Claim, Logger, StepRecord, Work } from '@accepted/core'
import type { ResourceSpace, StepOptions } from '@accepted/operations'
import { AttemptAborted } from './attempt-aborted.ts'
import { persist } from './persist.ts'
import { callHandler, type RunnableOperation } from './runnable-operation.ts'

/** A step and how to undo it. */
interface Reversal {
  name: string
  undo: (signal: AbortSignal) => Promise<void> | void
}

/** One pass of undoing a task. */
export interface UndoPass {
  work: Work
  claim: Claim
  operation: RunnableOperation
  resources: ResourceSpace
  /** Ends the pass; aborted at the first refused write. */
  abort: AbortController
  log: Logger
}

/** Undoing stopped at a step; it and those before it still stand. */
export class UndoFailed extends Error {
  override name = 'UndoFailed'
  /** The steps that are not undone, the one whose undo failed first. */
  readonly standing: string[]
  /** Steps that this pass undid. */
  readonly undone: number

  constructor(standing: string[], undone: number, cause: unknown) {
    super(`the step '${standing[0]}' was not undone`, { cause })
    this.standing = standing
    this.undone = undone
  }
}

/**
 * Undoes the steps of a task that finished or were cut off, newest first, each recorded before and after.
 *
 * @throws {UndoFailed} at the first step whose undo fails
 * @throws {AttemptAborted} once the pass must end
 */
export async function undoSteps(pass: UndoPass): Promise<void> {
  const left = namesToUndo(pass.claim.task.steps)
  if (left.length === 0) return
  const reversals = await learnReversals(pass, new Set(left))
  const standing = [...reversals.map(({ name }) => name)].reverse()
  const unknown = left.filter((name) => !standing.includes(name))
  if (unknown.length > 0) {
    throw new UndoFailed([...unknown, ...standing], 0, new Error('the handler tells no undo for it any more'))
  }
  for (const [undone, { name, undo }] of reversals.reverse().entries()) {
    await write(pass, name, 'reverting')
    try {
      await untilAborted(pass.abort.signal, async () => undo(pass.abort.signal))
    } catch (error) {
      pass.abort.signal.throwIfAborted()
      throw new UndoFailed(standing.slice(undone), undone, error)
    }
    await write(pass, name, 'reverted')
    pass.log.info({ step: name }, 'step undone')
  }
}

function namesToUndo(steps: Map<string, StepRecord>): string[] {
  return [...steps].filter(([, { undoable }]) => undoable).map(([name]) => name)
}

/**
 * Calls the handler up to its first step that is not finished, to learn the undos of those that are; resolves to these in
 * the order in which it came by them.
 */
async function learnReversals(pass: UndoPass, wanted: Set<string>): Promise<Reversal[]> {
  const { task } = pass.claim
  const found: Reversal[] = []
  const enough = new AbortController()
  const stop = (): never => {
    enough.abort(new AttemptAborted('undoing'))
    throw enough.signal.reason
  }
  const step = async <T>(name: string, _run: unknown, { undo }: StepOptions<T> = {}): Promise<T> => {
    const stored = task.steps.get(name)
    // The handler may have gone on after it.
    if (stored?.state === 'failed') throw new Error(`the step '${name}' failed`)
    const outcome = stored?.outcome ? (JSON.parse(stored.outcome) as T) : undefined
    if (undo && wanted.has(name)) found.push({ name, undo: (signal) => undo(outcome, signal) })
    if (outcome === undefined || found.length === wanted.size) return stop()
    return outcome
  }
  const signal = AbortSignal.any([enough.signal, pass.abort.signal])
  try {
    await untilAborted(signal, () =>
      callHandler(task, pass.operation, {
        signal,
        step,
        log: pass.log,
        resources: pass.resources,
        progress: () => undefined,
      }),
    )
  } catch (error) {
    pass.abort.signal.throwIfAborted()
    if (!enough.signal.aborted)
      pass.log.warn({ err: error }, 'the handler failed while its undos were asked for')
  }
  return found
}

/** What a call comes to, or the signal's reason if that fires first: a call that ignores it is not waited for. */
async function untilAborted<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return Promise.race([call(), aborted])
}

async function write(pass: UndoPass, name: string, state: 'reverting' | 'reverted'): Promise<void> {
  pass.abort.signal.throwIfAborted()
  const written = await persist(() => pass.work.step(pass.claim, name, state), pass.log)
  if (written === 'stale') pass.abort.abort(new AttemptAborted('fenced'))
  pass.abort.signal.throwIfAborted()
}
