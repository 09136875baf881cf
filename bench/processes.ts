import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process under measurement. */
export interface Measured {
  child: ChildProcess
  /** What it said when it was up. */
  told: Record<string, unknown>
  end(): Promise<void>
}

/** Starts a script of this workspace as a process of its own and waits until it says that it is up. */
export async function startProcess(
  script: string,
  environment: Record<string, string>,
  execArgv: string[] = [],
): Promise<Measured> {
  const child = fork(fileURLToPath(new URL(`../${script}`, import.meta.url)), {
    env: { PATH: process.env.PATH, LOG_LEVEL: 'warn', AUTH: 'none', ...environment },
    execArgv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const up = once(child, 'message').then(([message]) => message as Record<string, unknown>)
  const told = await Promise.race([
    up,
    ended.then(() => {
      throw new Error(`${script} ended before it was up`)
    }),
  ])
  return {
    child,
    told,
    async end() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
