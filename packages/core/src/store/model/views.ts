import { isEnded } from '@accepted/contract'
import type { TaskRecord } from '../record.ts'
import type { ModelTask, StepLetter } from './model-task.ts'

const STATES: Record<string, StepLetter> = {
  'in progress': 'b',
  finished: 'f',
  failed: 'x',
  reverting: 'r',
  reverted: 'v',
}

const WITH_UNDO: Record<string, StepLetter> = {
  'not started': 'p',
  'in progress': 'd',
  finished: 'u',
  failed: 'y',
}

/** What a record says that the picture foretells. */
export function viewOf(record: TaskRecord) {
  const { status, reason, endsAs, attempt, progress, attempts, confirmByMs, finishedMs } = record
  const error = record.error?.code ?? null
  const steps = [...record.steps].map(([name, { state, undoable }]) => [
    name,
    (undoable && WITH_UNDO[state]) || STATES[state],
  ])
  const told = attempts
    .slice(-10)
    .map(({ attempt, endedMs, error }) => [attempt, endedMs === null, error?.code ?? null])
  const awaits = confirmByMs !== null
  const ended = finishedMs !== null
  return {
    status,
    reason,
    endsAs,
    error,
    attempt,
    progress,
    steps: steps.sort(),
    attempts: told,
    awaits,
    ended,
  }
}

/** The same of the picture. */
export function pictureOf(task: ModelTask): ReturnType<typeof viewOf> {
  const { status, reason, endsAs, attempt, progress, steps, attempts, confirmBy } = task
  return {
    status,
    reason,
    endsAs,
    error: reason,
    attempt,
    progress,
    // Whether one that runs ran before is not shown.
    steps: [...steps].map(([name, letter]) => [name, letter === 'q' ? 'd' : letter]).sort(),
    attempts: attempts.slice(-10).map(({ attempt, open, error }) => [attempt, open, error]),
    awaits: confirmBy !== null,
    ended: isEnded(status),
  }
}
