import { type Logger, pino } from 'pino'

export type { Logger }

/** A logger of JSON lines on standard output. Bound ids lead from a request to its last step; never a body or secret. */
export function createLog(app: string, level: string): Logger {
  return pino({ level, base: { app, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime })
}
