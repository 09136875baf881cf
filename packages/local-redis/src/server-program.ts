import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** A Redis (or Valkey) server program that runs on this machine. */
export interface ServerProgram {
  command: string
  version: string
  /** What the program needs in its environment, beyond ours. */
  env: { LD_LIBRARY_PATH?: string }
}

const oldestVersion = { major: 6, minor: 2 }
export const oldestVersionText = `${oldestVersion.major}.${oldestVersion.minor}`

/** Whether a version such as `7.0.15` is one that BullMQ and our scripts work with. */
export function isRecentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > oldestVersion.major || (major === oldestVersion.major && minor >= oldestVersion.minor)
}

/**
 * Runs a program with `--version` to learn what it is.
 * @throws Error if it does not run within 5 s, or does not say its version as Redis and Valkey do.
 */
export async function probeServerProgram(
  command: string,
  env: ServerProgram['env'] = {},
): Promise<ServerProgram> {
  const { stdout } = await promisify(execFile)(command, ['--version'], {
    env: { ...process.env, ...env },
    timeout: 5_000,
  })
  const version = /\bv=(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
  if (version === undefined) throw new Error(`${command} --version says no version: ${stdout.trim()}`)
  return { command, version, env }
}
