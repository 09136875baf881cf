import { type DestinationStream, type Logger, pino } from 'pino'
import { toldError } from './told-error.ts'

export type { Logger }

/**
 * A logger of JSON lines. Bound ids lead from a request to its last step; never a body or secret. Of an error only what
 * `toldError` tells comes into it.
 *
 * @param destination standard output, if not given
 */
export function createLog(app: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { app, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: toldError },
  }
  return destination ? pino(options, destination) : pino(options)
}

/** Whether a log can tell of an error: one that throws when it is looked at makes it throw. */
export function canBeLogged(error: unknown): boolean {
  try {
    toldError(error)
    return true
  } catch {
    return false
  }
}
