import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../apps/worker/src/main.ts', import.meta.url))

/** Workers of which any may be killed; another takes its place. */
export interface MortalWorkers {
  /** Kills (-9) one of them and starts another; resolves when the first is gone. */
  killOne(): Promise<void>
  /** What they said at level `warn` or above, and how often. */
  said: Map<string, number>
  end(): Promise<void>
}

/** Starts so many workers. @param random 0 ≤ x < 1 */
export async function startMortalWorkers(
  count: number,
  environment: Record<string, string>,
  random: () => number,
): Promise<MortalWorkers> {
  const said = new Map<string, number>()
  const hear = (line: string) => {
    const { msg } = JSON.parse(line) as { msg: string }
    said.set(msg, (said.get(msg) ?? 0) + 1)
  }
  const start = () => {
    const child = spawn(process.execPath, [MAIN], {
      env: { PATH: process.env.PATH, LOG_LEVEL: 'warn', ...environment },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    let rest = ''
    child.stdout?.on('data', (data) => {
      const lines = `${rest}${data}`.split('\n')
      rest = lines.pop()!
      for (const line of lines) hear(line)
    })
    return child
  }
  const workers = Array.from({ length: count }, start)
  const endOf = async (child: ChildProcess, signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  await Promise.all(workers.map((child) => once(child, 'message')))
  return {
    said,
    async killOne() {
      const at = Math.floor(random() * count)
      const victim = workers[at]!
      await endOf(victim, 'SIGKILL')
      workers[at] = start()
    },
    async end() {
      await Promise.all(workers.map((child) => endOf(child, 'SIGTERM')))
    },
  }
}
