import { type DestinationStream, type Logger, pino } from 'pino'

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
