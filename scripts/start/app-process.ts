import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { spawnTethered } from '@accepted/local-redis'
import { describeEnding, type Running } from './keep-running.ts'

/** What an app tells over its channel, once. */
export type AppMessage = { kind: 'listening'; url: string } | { kind: 'ready' }

export interface AppOptions {
  name: string
  script: string
  /** Flags of Node. */
  nodeFlags?: string[]
  env: NodeJS.ProcessEnv
  /** Takes its standard output or standard error. */
  show: (stream: Readable) => void
  /** How long it may take to stop before it is killed. Default 8,000. */
  stopTimeoutMs?: number
}

/**
 * Launches an app as a process of its own, under the Node that runs us, in its own process group, so that a terminal's
 * Ctrl-C does not reach it before us. It is ready when it says so, and never outlives us.
 */
export function launchApp({
  name,
  script,
  nodeFlags = [],
  env,
  show,
  stopTimeoutMs = 8_000,
}: AppOptions): Running<AppMessage> {
  const { child, begin, exited } = spawnTethered(process.execPath, [...nodeFlags, script], { env, ipc: true })
  for (const stream of [child.stdout, child.stderr]) if (stream) show(stream)
  const ready = Promise.race([once(child, 'message'), exited]).then((first) => {
    if (Array.isArray(first)) return first[0] as AppMessage
    throw new Error(`${name} ended before it was ready (${describeEnding(first)})`)
  })
  begin()
  return {
    ready,
    exited,
    stop: async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
      await exited
      clearTimeout(timer)
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
