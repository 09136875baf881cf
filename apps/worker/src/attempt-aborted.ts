/**
 * Why an attempt, or an undo, must end before its handler does: another worker holds the task now, the worker stops, the
 * task is canceled, its time is over; or, while undoing, the handler has told all that it was called for.
 */
export type AbortCause = 'fenced' | 'stopping' | 'canceled' | 'timed_out' | 'undoing'

const WORDS: Record<AbortCause, string> = {
  fenced: 'another worker has this task now',
  stopping: 'the worker stops',
  canceled: 'the task is canceled',
  timed_out: 'the time for it is over',
  undoing: 'the task is being undone',
}

/** Thrown into a handler whose attempt must end; also the reason of its abort signal. */
export class AttemptAborted extends Error {
  override name = 'AbortError'
  readonly why: AbortCause

  constructor(why: AbortCause) {
    super(WORDS[why])
    this.why = why
  }
}

/** Why a signal of ours fired; undefined while it has not. */
export function causeOf({ aborted, reason }: AbortSignal): AbortCause | undefined {
  return aborted ? (reason as AttemptAborted).why : undefined
}
