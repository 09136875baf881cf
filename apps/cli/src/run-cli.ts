import { printable, SealError, SettingsError, StoreUnavailable } from '@accepted/core'
import { type Invocation, readArguments, UsageError } from './arguments.ts'
import { COMMANDS } from './commands/index.ts'
import { findInstallation, NotFound } from './installation.ts'
import { tableOf } from './table.ts'
import { usage } from './usage.ts'

/** What the command line is run in. */
export interface CliContext {
  environment: Record<string, string | undefined>
  /** What relative paths begin at. */
  folder: string
  /** To standard output. */
  print: (text: string) => void
  /** To standard error. */
  complain: (text: string) => void
}

/**
 * Runs one command.
 *
 * @param args without the program's own name
 * @returns the exit code: 0; 2 if the arguments are at fault; 1 if anything else is, told in words
 */
export async function runCli(
  args: string[],
  { environment, folder, print, complain }: CliContext,
): Promise<number> {
  let invocation: Invocation
  try {
    const read = readArguments(args, COMMANDS)
    if (read === 'help') {
      print(usage(COMMANDS))
      return 0
    }
    invocation = read
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    complain(`${error.message}\n\n${usage(COMMANDS)}`)
    return 2
  }
  try {
    const installation = await findInstallation(environment, folder)
    try {
      const answer = await invocation.command.run(installation, invocation.options)
      print(invocation.json ? `${printable(JSON.stringify(answer))}\n` : tableOf([answer].flat()))
      return 0
    } finally {
      installation.close()
    }
  } catch (error) {
    if (!isForCaller(error)) throw error
    complain(`${printable(error.message, true)}\n`)
    return 1
  }
}

/** Whether a fault is told in words that whoever calls can act on. */
function isForCaller(error: unknown): error is Error {
  return [NotFound, SettingsError, SealError, StoreUnavailable].some((kind) => error instanceof kind)
}
