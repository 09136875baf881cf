import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'

export type { Logger }

/**
 * A logger of JSON lines. Bound ids lead from a request to its last step; never a body or secret.
 *
 * @param destination standard output, if not given
 */
export function createLog(app: string, level: string, destination?: DestinationStream): Logger {
  const options = { level, base: { app, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }
  return destination ? pino(options, destination) : pino(options)
}

/** Whether a log can tell of an error: one that throws when it is looked at, or cannot be marked as seen, makes it throw. */
export function canBeLogged(error: unknown): boolean {
  try {
    stdSerializers.err(error as Error)
    return true
  } catch {
    return false
  }
}
