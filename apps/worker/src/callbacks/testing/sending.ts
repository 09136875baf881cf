import { createSecureContext, type SecureContext } from 'node:tls'
import { NameResolver, readTargetRules, type TargetRules } from '@accepted/core'
import { type DnsAnswer, startDnsServer, until } from '@accepted/core/testing'
import { expect, onTestFinished } from 'vitest'
import { createGuardedAgent, type GuardedAgent, type GuardOptions } from '../guarded-agent.ts'
import { type CallbackAttempt, type CallbackOutcome, sendCallback } from '../send.ts'
import type { Receiver } from './receiver.ts'

const PLAIN: SecureContext = createSecureContext()

export interface SendingOptions extends Partial<GuardOptions> {
  /** Ranges that are opened; all of loopback, if not given. */
  ranges?: string
  /** What DNS says of a name. */
  answer?: (name: string, times: number) => DnsAnswer
  /** After which a name server that is silent is asked once more. */
  askAgainMs?: number
}

/** An agent with a DNS of its own, and a way to send through it; closed when the test is over. */
export interface Sending {
  agent: GuardedAgent
  names: NameResolver
  send(url: string, changes?: Partial<CallbackAttempt>): Promise<CallbackOutcome>
  /** Closes the agent, and asserts that no connection to a receiver, and nothing that would keep the process, is left. */
  expectNothingLeft(...receivers: Receiver[]): Promise<void>
}

export async function sending({
  ranges = '127.0.0.0/8,::1',
  answer = () => 'no such name',
  askAgainMs = 250,
  ...options
}: SendingOptions = {}): Promise<Sending> {
  const { server } = await startDnsServer(answer)
  const names = new NameResolver({ servers: [server], hosts: '', askAgainMs })
  const agent = createGuardedAgent({ rules: rulesOf(ranges), names, tls: PLAIN, ...options })
  const before = lasting()
  onTestFinished(async () => {
    await agent.close()
    names.close()
  })
  return {
    agent,
    names,
    send: (url, changes = {}) =>
      sendCallback(agent, {
        url,
        headers: { 'content-type': 'application/json' },
        body: '{"n":1}',
        signal: new AbortController().signal,
        timeoutMs: 2_000,
        bodyMs: 200,
        ...changes,
      }),
    async expectNothingLeft(...receivers) {
      await agent.close()
      await until(async () => receivers.every(({ open }) => open === 0) && agent.connections === 0)
      await until(async () => lasting() <= before)
      expect(agent.connections).toBe(0)
    },
  }
}

export function rulesOf(ranges: string, requireHttps = false): TargetRules {
  const read = readTargetRules({ CALLBACK_ALLOW_CIDRS: ranges, CALLBACK_REQUIRE_HTTPS: requireHttps })
  if (read.outcome === 'faulty') throw new Error(read.faults.join('; '))
  return read.rules
}

/** How many timers and connections keep this process, besides that of who asks. */
function lasting(): number {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => ['Timeout', 'TCPSocketWrap', 'TCPConnectWrap', 'QueryReqWrap'].includes(kind)).length
}
