import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ending } from '@accepted/local-redis'
import { describeEnding, type Running } from './keep-running.ts'

/** What an app tells over its channel, once. */
export type AppMessage = { kind: 'listening'; url: string } | { kind: 'ready' }

export interface AppOptions {
  name: string
  script: string
  env: NodeJS.ProcessEnv
  /** Takes its standard output or standard error. */
  show: (stream: Readable) => void
  /** How long it may take to stop before it is killed. Default 8,000. */
  stopTimeoutMs?: number
}

/** Output may trail behind the exit, and something that the app had started may hold it open for ever. */
const trailingOutputMs = 200

/**
 * Launches an app as a process of its own, under the Node that runs us, in its own process group, so that a terminal's
 * Ctrl-C does not reach it before us. It is ready when it says so, and stops by itself when its channel to us is cut.
 */
export function launchApp({
  name,
  script,
  env,
  show,
  stopTimeoutMs = 8_000,
}: AppOptions): Running<AppMessage> {
  const child = spawn(process.execPath, [script], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  for (const stream of [child.stdout, child.stderr]) if (stream) show(stream)
  const exited = waitForEnding(child)
  return {
    ready: waitForMessage(child, exited, name),
    exited,
    stop: async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
      await exited
      clearTimeout(timer)
    },
    kill: () => child.kill('SIGKILL'),
  }
}

async function waitForEnding(child: ChildProcess): Promise<Ending> {
  const closed = once(child, 'close')
  const [code, signal] = await once(child, 'exit')
  await Promise.race([closed, delay(trailingOutputMs)])
  return { code, signal }
}

async function waitForMessage(
  child: ChildProcess,
  exited: Promise<Ending>,
  name: string,
): Promise<AppMessage> {
  const message = await Promise.race([once(child, 'message'), exited])
  if (Array.isArray(message)) return message[0] as AppMessage
  throw new Error(`${name} ended before it was ready (${describeEnding(message)})`)
}
