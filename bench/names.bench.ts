import { createSecureContext } from 'node:tls'
import { NameResolver, readTargetRules } from '@accepted/core'
import { createGuardedAgent } from '@accepted/worker/callbacks/guarded-agent'
import { type CallbackAttempt, sendCallback } from '@accepted/worker/callbacks/send'
import { cost, type Figure } from './figures.ts'
import { median, p99, steadily } from './load.ts'
import { startProcess } from './processes.ts'

const HANGING = 20
const PER_SECOND = 100
const SECONDS = 4
const ROUNDS = 5
const HEADERS = { 'content-type': 'application/json' }

/** Callbacks to a name that is known, each with a look-up and a connection of its own, beside callbacks to names that hang. */
export async function names(): Promise<Figure[]> {
  const [server, receiver] = await Promise.all([
    startProcess('bench/callbacks/name-server.ts', {}),
    startProcess('bench/quiet-receiver.ts', {}),
  ])
  const read = readTargetRules({ CALLBACK_ALLOW_CIDRS: '127.0.0.0/8', CALLBACK_REQUIRE_HTTPS: false })
  if (read.outcome === 'faulty') throw new Error(read.faults.join('; '))
  const resolver = new NameResolver({ servers: [String(server.told.server)], hosts: '' })
  const agent = createGuardedAgent({ rules: read.rules, names: resolver, tls: createSecureContext() })
  const urlAt = (name: string) => String(receiver.told.url).replace('127.0.0.1', name)
  const attempt: Omit<CallbackAttempt, 'url'> = {
    headers: HEADERS,
    body: JSON.stringify({ type: 'task.completed', data: 'x'.repeat(1_000) }),
    signal: new AbortController().signal,
  }

  const healthy = async () => {
    const took: number[] = []
    await steadily(PER_SECOND, SECONDS, async () => {
      const began = performance.now()
      const { outcome } = await sendCallback(agent, { ...attempt, url: `${urlAt('known.example')}/once` })
      if (outcome !== 'delivered') throw new Error(outcome)
      took.push(performance.now() - began)
    })
    return took
  }
  const besideHanging = async () => {
    const end = new AbortController()
    const hang = async (n: number) => {
      const url = urlAt(`hanging-${n}.example`)
      while (!end.signal.aborted) await sendCallback(agent, { ...attempt, url, signal: end.signal })
    }
    const hanging = Array.from({ length: HANGING }, (_, n) => hang(n))
    const took = await healthy()
    end.abort()
    await Promise.all(hanging)
    return took
  }

  await healthy()
  const rounds: { without: number[]; beside: number[] }[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.push({ without: await healthy(), beside: await besideHanging() })
  }
  await Promise.all([agent.close(), server.end(), receiver.end()])
  resolver.close()
  const pair = (figure: (took: number[]) => number) => ({
    ours: median(rounds.map(({ beside }) => figure(beside))),
    theirs: median(rounds.map(({ without }) => figure(without))),
  })
  return [
    cost(
      `callback with a look-up and a connection of its own, ${HANGING} names hanging, p99; by hand: none hanging`,
      'ms',
      pair(p99),
      1.5,
    ),
    cost('… median', 'ms', pair(median), 1.5),
  ]
}
