import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { FuzzOptions } from '../fuzz-options.ts'
import { holdingsAtRest, leaksOf, processorSecondsOf, socketsOf } from '../holdings.ts'
import { healthyClient } from '../wire/healthy-client.ts'
import { Target } from '../wire/target.ts'

const CONNECTIONS = 900
const A_SECOND = 300
/** Longer than any of them may hold a connection, s. */
const LONGEST_SECONDS = 240
const SERVED_WITHIN_MS = 5_000
/** Of what a client that behaves asks for meanwhile, more has to be answered in that time. */
const SERVED_SHARE = 0.99
/** More than those have who ask beside the attack. */
const OTHERS_SOCKETS = 10
/** Beside a limit: what looks after connections does so each second, and closes in peace for 5 s more; the machine may be busy. */
const GRACE_SECONDS = 20

interface Attack {
  /** Of slowhttptest. */
  options: string[]
  path: string
  /** For how long a connection may stay, s. */
  limitSeconds: (descriptionBytes: number) => number
}

const ATTACKS: Record<string, Attack> = {
  'slow heads': { options: ['-H', '-i', '5', '-x', '24'], path: '/tasks', limitSeconds: () => 10 },
  'slow bodies': {
    options: ['-B', '-i', '5', '-s', '8192', '-x', '24', '-f', 'application/json'],
    path: '/cars',
    limitSeconds: () => 30,
  },
  'many ranges': { options: ['-R', '-a', '5', '-b', '3000'], path: '/openapi.json', limitSeconds: () => 30 },
  // 10 requests of a connection; 5 bytes of the answers in 5 s, through a window of 512 to 1,024.
  'slow readers': {
    options: ['-X', '-n', '5', '-z', '5', '-w', '512', '-y', '1024', '-k', '10'],
    path: '/openapi.json',
    limitSeconds: (bytes) => 30 + bytes / 10_000,
  },
}

interface Outcome {
  /** The most that the API had open at once. */
  sockets: number
  /** When the last tenth of the connections came, s after the first; null: they never did. */
  fullSeconds: number | null
  /** When the API had freed them all; null: it had not when slowhttptest gave up. */
  freedSeconds: number | null
  limitSeconds: number
  healthy: { asked: number; slowestMs: number; unserved: number }
  heapMegabytes: number
  /** Of the API, so that it can be told from a machine that is busy. */
  processorSeconds: number
  /** Of the machine, at the end, over a minute. */
  load: number
}

export interface SlowReport {
  attacks: Record<string, Outcome>
  wrong: string[]
}

/**
 * slowhttptest (Debian has it) against an API: whoever sends or reads too slowly loses its connection by the API's own limits, while
 * a client that behaves is served. It takes some four minutes, however long it is given.
 */
export async function fuzzSlow({ redisUrl, prefix, say }: FuzzOptions): Promise<SlowReport> {
  // A machine that is busy with all this is no fault of the connections: shedding is shown elsewhere.
  const api = new Target('api', {
    REDIS_URL: redisUrl,
    KEY_PREFIX: prefix,
    PORT: '0',
    AUTH: 'none',
    SHED_LOOP_DELAY_MS: '0',
  })
  const report: SlowReport = { attacks: {}, wrong: [] }
  await api.start()
  try {
    const description = await (await fetch(`${api.url}/openapi.json`)).arrayBuffer()
    for (const [name, attack] of Object.entries(ATTACKS)) {
      const limitSeconds = Math.ceil(attack.limitSeconds(description.byteLength))
      const [outcome, faults] = await outcomeOf(api, attack, limitSeconds)
      report.attacks[name] = outcome
      report.wrong.push(...faults.map((fault) => `${name}: ${fault}`))
      say(`${name}: ${JSON.stringify(outcome)}`)
    }
  } finally {
    await api.end()
  }
  return report
}

async function outcomeOf(api: Target, attack: Attack, limitSeconds: number): Promise<[Outcome, string[]]> {
  const client = healthyClient(() => api.url, {}, SERVED_WITHIN_MS)
  const before = await processorSecondsOf(api.url)
  const times = await play(api, attack)
  await client.stop()
  const load = Math.round(loadavg()[0]!)
  const after = await holdingsAtRest(() => api.holdings())
  const { asked, slowestMs, faults } = client
  const healthy = { asked, slowestMs, unserved: faults.length }
  const outcome = {
    ...times,
    limitSeconds,
    healthy,
    heapMegabytes: Math.round(after.heapBytes / 1e6),
    processorSeconds: Math.round(10 * ((await processorSecondsOf(api.url)) - before)) / 10,
    load,
  }
  return [outcome, [...faultsOf(outcome), ...leaksOf(undefined, after), ...api.takeFaults()]]
}

/** Lets slowhttptest do its worst until the API has freed its connections: a reader that is cut off may not see it for minutes. */
async function play(api: Target, { options, path }: Attack) {
  const many = ['-c', `${CONNECTIONS}`, '-r', `${A_SECOND}`, '-l', `${LONGEST_SECONDS}`]
  const child = spawn('slowhttptest', [...options, ...many, '-u', `${api.url}${path}`, '-v', '0'], {
    stdio: 'ignore',
  })
  const exited = once(child, 'exit')
  await once(child, 'spawn')
  const startedMs = performance.now()
  const seconds = () => Math.round((performance.now() - startedMs) / 1000)
  const seen = { sockets: 0, fullSeconds: null as number | null, freedSeconds: null as number | null }
  while (seen.freedSeconds === null && seconds() < LONGEST_SECONDS) {
    await Promise.race([pause(1_000), exited])
    const sockets = await socketsOf(api.url)
    seen.sockets = Math.max(seen.sockets, sockets)
    if (sockets > 0.9 * CONNECTIONS) seen.fullSeconds ??= seconds()
    const wereMany = seen.sockets > OTHERS_SOCKETS || child.exitCode !== null
    if (wereMany && sockets <= OTHERS_SOCKETS) seen.freedSeconds = seconds()
  }
  child.kill()
  await exited
  return seen
}

function faultsOf({ fullSeconds, freedSeconds, limitSeconds, healthy }: Outcome): string[] {
  const faults = []
  if (freedSeconds === null) faults.push('connections were not freed')
  else if (freedSeconds > (fullSeconds ?? 0) + limitSeconds + GRACE_SECONDS) {
    faults.push(`the last connection was freed after ${freedSeconds} s`)
  }
  if (healthy.unserved > (1 - SERVED_SHARE) * healthy.asked) {
    faults.push(`a healthy client was not served ${healthy.unserved} times`)
  }
  return faults
}
