import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const fakeStart = fileURLToPath(new URL('fake-start.ts', import.meta.url))

/** A `npm start` with the fake apps, as a process of its own. */
export interface StackProcess {
  process: ChildProcess
  /** All that it has printed. */
  output(): string
  /** Waits until it has printed what matches; rejects after 10 s or at its end. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Exit code and signal, once all output is in. */
  exited: Promise<unknown[]>
}

export function spawnStack(env: NodeJS.ProcessEnv): StackProcess {
  const child = spawn(process.execPath, [fakeStart], {
    env: { ...process.env, PORT: '0', REDIS_URL: '', INIT_CWD: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  return {
    process: child,
    output: () => output,
    exited: waitForEnd(child),
    says: async (pattern) => {
      const giveUpAt = performance.now() + 10_000
      for (;;) {
        const match = pattern.exec(output)
        if (match) return match
        const hasEnded = child.exitCode !== null || child.signalCode !== null
        if (hasEnded || performance.now() > giveUpAt) throw new Error(`never said ${pattern}:\n${output}`)
        await delay(10)
      }
    },
  }
}

/** Not the event `close`: it does not come when we cut the channel. */
async function waitForEnd(child: ChildProcess): Promise<unknown[]> {
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null)
  const [ending] = await Promise.all([once(child, 'exit'), ...streams.map((stream) => finished(stream))])
  return ending
}
