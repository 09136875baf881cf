import { createSecureContext } from 'node:tls'
import { NameResolver, readTargetRules } from '@accepted/core'
import { createGuardedAgent } from '@accepted/worker/callbacks/guarded-agent'
import { sendCallback } from '@accepted/worker/callbacks/send'
import { Agent, request } from 'undici'
import { cost, type Figure } from './figures.ts'
import { sideBySide } from './load.ts'
import { startProcess } from './processes.ts'

const ROUNDS = 9
const MESSAGES = 4_000
const AT_ONCE = 64
/** What the guard and the bounds of an attempt may cost. */
const MOST = 1.3

/** One attempt through the guard, beside one through undici as it comes, to the same receiver. */
export async function guard(): Promise<Figure[]> {
  const receiver = await startProcess('bench/quiet-receiver.ts', {})
  const settings = { CALLBACK_ALLOW_CIDRS: '127.0.0.0/8', CALLBACK_REQUIRE_HTTPS: false }
  const read = readTargetRules(settings)
  if (read.outcome === 'faulty') throw new Error(read.faults.join('; '))
  const names = new NameResolver()
  const agent = createGuardedAgent({ rules: read.rules, names, tls: createSecureContext() })
  const plain = new Agent({ allowH2: false })
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ type: 'task.completed', data: 'x'.repeat(1_000) })
  const { signal } = new AbortController()

  const guarded = (url: string) => sendCallback(agent, { url, headers, body, signal })
  const asItComes = async (url: string) => {
    const limit = AbortSignal.timeout(15_000)
    const answer = await request(url, { method: 'POST', dispatcher: plain, headers, body, signal: limit })
    await answer.body.dump()
  }
  const figures: Figure[] = []
  for (const [path, name] of [
    ['/', 'processor time a message, over kept connections'],
    ['/once', 'processor time a message, with a connection each'],
  ] as const) {
    const url = `${receiver.told.url}${path}`
    const took = await sideBySide(
      ROUNDS,
      () => cpuMicroseconds(() => guarded(url)),
      () => cpuMicroseconds(() => asItComes(url)),
    )
    figures.push(cost(name, 'µs', took, MOST))
  }
  await Promise.all([agent.close(), plain.close(), receiver.end()])
  names.close()
  return figures
}

/** Of this process, for each message: steadier than messages a second on a machine that does other things too. */
async function cpuMicroseconds(send: () => Promise<unknown>): Promise<number> {
  const began = process.cpuUsage()
  let sent = 0
  const lane = async () => {
    while (sent < MESSAGES) {
      sent += 1
      await send()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  const { user, system } = process.cpuUsage(began)
  return (user + system) / MESSAGES
}
