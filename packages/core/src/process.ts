import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from './log/log.ts'
import { SettingsError } from './settings.ts'

/** Whether the fault is one that whoever starts the process can mend, told in words. */
function isForStarter(error: unknown): error is Error {
  return error instanceof SettingsError || (error as Error | undefined)?.name === 'OperationFault'
}

/** Exit code of a process whose settings are at fault, or that is outdated (EX_CONFIG of sysexits.h): starting it again is no use. */
const EX_CONFIG = 78

/** What an app's `main.ts` has started. */
export interface RunningProcess {
  log: Logger
  /** Resolves to what a supervisor is told once the app is up. */
  ready: Promise<{ kind: 'listening'; url: string } | { kind: 'ready' }>
  /** Resolves to why it can do nothing more, ever, in words for whoever starts the process; the process ends with exit code 78. */
  outdated?: Promise<Error>
  /** Ends everything that keeps the process alive. */
  stop(): Promise<void>
  /** A stop that takes longer is given up, and the process ends with exit code 1. */
  stopWithinMs: number
}

/**
 * The life of an app's process: starts it, tells a supervisor (over IPC, if there is one) when it is up, and stops it
 * once on SIGTERM, SIGINT, or when the supervisor is gone. Exit codes: 0 after a clean stop, 78 for faulty settings and for
 * data that is too new for it, told in words on standard error, 1 for anything else.
 */
export async function runProcess(start: () => Promise<RunningProcess>): Promise<void> {
  let running: RunningProcess
  try {
    running = await start()
  } catch (error) {
    if (!isForStarter(error)) throw error
    endInWords(error)
  }
  const { log, ready, stop, stopWithinMs, outdated } = running
  outdated?.then((error) => {
    log.fatal({ err: error }, 'this program is outdated')
    endInWords(error)
  })
  // Node would print all that libraries hang on an error, such as the arguments of a command to Redis.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an error that nobody handles')
    process.exit(1)
  })
  let stopping = false
  const end = (cause: string) => {
    if (stopping) return
    stopping = true
    log.info({ cause }, 'stopping')
    const late = pause(stopWithinMs).then(() => {
      throw new Error(`it did not stop within ${stopWithinMs} ms`)
    })
    Promise.race([stop(), late]).then(
      // A handler that ignores its abort signal must not keep the process.
      () => process.exit(0),
      (error) => {
        log.fatal({ err: error }, 'could not stop cleanly')
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal))
  process.on('disconnect', () => end('the supervisor is gone'))
  if (process.send && !process.connected) end('the supervisor is gone')
  process.send?.(await ready)
}

function endInWords({ message }: Error): never {
  process.stderr.write(`${message}\n`)
  process.exit(EX_CONFIG)
}
