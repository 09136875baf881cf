import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROBE = new URL('memory-probe.ts', import.meta.url).href

/** A process of ours that tells how much memory it takes. */
export interface MeasuredApp {
  /** What it said when it was up. */
  told: Record<string, unknown>
  /** As it was last told; bytes. */
  memory(): { rss: number; heapUsed: number; external: number }
  end(): Promise<void>
}

/** Starts an app, just as it is delivered, with the probe beside it. @throws {Error} if it ends before it is up */
export async function startMeasuredApp(
  app: 'api' | 'worker',
  environment: Record<string, string>,
): Promise<MeasuredApp> {
  const child = fork(fileURLToPath(new URL(`../../../apps/${app}/src/main.ts`, import.meta.url)), {
    env: { PATH: process.env.PATH, LOG_LEVEL: 'error', AUTH: 'none', ...environment },
    execArgv: ['--import', PROBE],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  let memory = { rss: 0, heapUsed: 0, external: 0 }
  const up = new Promise<Record<string, unknown>>((resolve, reject) => {
    child.on('message', (message: { kind: string } & typeof memory) => {
      if (message.kind === 'memory') memory = message
      else resolve(message)
    })
    child.once('exit', () => reject(new Error(`the ${app} ended before it was up`)))
  })
  return {
    told: await up,
    memory: () => memory,
    async end() {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}
