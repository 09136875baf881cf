import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface CommandOptions {
  cwd: string
  /** Ends the command when it fires. */
  signal: AbortSignal | undefined
  /** Default 120,000. */
  timeoutMs?: number
}

/**
 * Runs a command and gives its standard output.
 * @throws Error if it cannot be run, fails, or takes too long, with the last of what it wrote to standard error.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  { cwd, signal, timeoutMs = 120_000 }: CommandOptions,
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd,
      ...(signal && { signal }),
      timeout: timeoutMs,
      maxBuffer: 16 * 1024 * 1024,
    })
    return stdout
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    throw new Error(`${command} failed: ${stderr?.trim().split('\n').slice(-5).join('\n') || message}`, {
      cause: error,
    })
  }
}
