import { setTimeout as pause } from 'node:timers/promises'
import { ApiKeys, connectForWork, createLog, Scripts } from '@accepted/core'
import { seeded } from '@accepted/core/testing'
import type { FuzzOptions } from '../fuzz-options.ts'
import { type Holdings, holdingsAtRest, leaksOf } from '../holdings.ts'
import { type Attack, attackOf } from './attacks.ts'
import { type HealthyClient, healthyClient } from './healthy-client.ts'
import { judgeAnswers } from './judge-answers.ts'
import { play } from './play.ts'
import { shortest } from './shortest.ts'
import { Target } from './target.ts'

const ATTACKERS = 48
/** More than so many connections of the attackers at once are refused. */
const PER_ADDRESS = 40
const REQUEST_SECONDS = 2
/** In which whoever says nothing is told so; the machine may be busy. */
const ENDED_WITHIN_MS = REQUEST_SECONDS * 1000 + 10_000
const SERVED_WITHIN_MS = 5_000
/** Attacks after which a process is as large as it is at work: what it compiles and keeps is there. */
const WARM_UP = 1_500
const FAULTS_SHOWN = 5

export interface WireReport {
  attacks: number
  /** How often which status was answered, interim ones too. */
  answers: Record<string, number>
  endings: Record<string, number>
  sentBytes: number
  healthy: { asked: number; slowestMs: number }
  /** What the APIs held after warming up, and at the end. */
  holdings: { before: Holdings[]; after: Holdings[] }
  /** In words, with the shortest bytes that show it. */
  wrong: string[]
}

/** Raw bytes, by chance, on the sockets of two APIs, one of which wants keys. Whatever comes of it: they answer, others are served, nothing stays. */
export async function fuzzWire({ redisUrl, prefix, forMs, seed, say }: FuzzOptions): Promise<WireReport> {
  // A machine that is busy with all this is no fault of the bytes: shedding is shown elsewhere.
  const environment = {
    REDIS_URL: redisUrl,
    KEY_PREFIX: prefix,
    CAR_STEP_MS: '1',
    SHED_LOOP_DELAY_MS: '0',
  }
  const limits = {
    REQUEST_TIMEOUT_SECONDS: String(REQUEST_SECONDS),
    MAX_CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS),
  }
  const apis = (['none', 'keys'] as const).map(
    (AUTH) => new Target('api', { ...environment, ...limits, AUTH, PORT: '0' }),
  )
  const worker = new Target('worker', environment)
  const targets = [...apis, worker]
  await Promise.all(targets.map((target) => target.start()))
  const key = await keyOf(redisUrl, prefix)
  const report: WireReport = {
    attacks: 0,
    answers: {},
    endings: {},
    sentBytes: 0,
    healthy: { asked: 0, slowestMs: 0 },
    holdings: { before: [], after: [] },
    wrong: [],
  }
  const random = seeded(seed)
  const found = new Map<string, Attack | undefined>()
  const note = (faults: string[], attack?: Attack) => {
    for (const fault of faults) {
      if (found.has(fault)) continue
      found.set(fault, attack)
      say(fault)
    }
  }
  const healthy = apis.map((api) =>
    healthyClient(() => api.url, { authorization: `Bearer ${key}` }, SERVED_WITHIN_MS),
  )
  const endMs = performance.now() + forMs
  let lastSaidMs = performance.now()

  const attacker = async () => {
    while (performance.now() < endMs && found.size < FAULTS_SHOWN) {
      const at = report.attacks % apis.length
      const attack = attackOf(random, apis[at] === apis[1] ? key : undefined)
      count(report, attack)
      const played = await play(attack, portOf(apis[at]!), ENDED_WITHIN_MS)
      for (const [, status] of String(played.received).matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
        report.answers[status!] = (report.answers[status!] ?? 0) + 1
      }
      note(judgeAnswers(attack, played), attack)
      note(
        targets.flatMap((target) => target.takeFaults()),
        attack,
      )
      if (report.holdings.before.length === 0 && report.attacks >= WARM_UP) {
        report.holdings.before = [{ sockets: 0, heapBytes: 0 }]
        report.holdings.before = await Promise.all(apis.map((api) => api.holdings()))
      }
      if (performance.now() - lastSaidMs > 30_000) {
        lastSaidMs = performance.now()
        say(`${report.attacks} attacks, ${found.size} faults`)
      }
    }
  }
  await Promise.all(Array.from({ length: ATTACKERS }, attacker))
  await rest(apis, healthy, report, note)
  note(targets.flatMap((target) => target.takeFaults()))

  for (const [fault, attack] of found) {
    report.wrong.push(attack ? `${fault}; ${await reproduction(fault, attack, apis, targets)}` : fault)
  }
  await Promise.all(targets.map((target) => target.end()))
  return report
}

/** Waits until nothing of the attackers is left, and notes what stays. */
async function rest(
  apis: Target[],
  healthy: HealthyClient[],
  report: WireReport,
  note: (faults: string[]) => void,
): Promise<void> {
  await Promise.all(healthy.map((client) => client.stop()))
  for (const { asked, slowestMs, faults } of healthy) {
    report.healthy.asked += asked
    report.healthy.slowestMs = Math.max(report.healthy.slowestMs, slowestMs)
    note(faults)
  }
  report.holdings.after = await Promise.all(apis.map((api) => holdingsAtRest(() => api.holdings())))
  for (const [at, after] of report.holdings.after.entries()) note(leaksOf(report.holdings.before[at], after))
}

/** The shortest bytes that show a fault, or all, if it did not show again. */
async function reproduction(
  fault: string,
  attack: Attack,
  apis: Target[],
  targets: Target[],
): Promise<string> {
  for (const api of apis) {
    const shows = async (tried: Attack) => {
      const played = await play(tried, portOf(api), ENDED_WITHIN_MS)
      await pause(20)
      return [...judgeAnswers(tried, played), ...targets.flatMap((target) => target.takeFaults())].includes(
        fault,
      )
    }
    if (!(await shows(attack))) continue
    return `again with ${wordsOf(await shortest(attack, shows))}`
  }
  return `not again alone; it came with ${wordsOf(attack)}`
}

function wordsOf({ parts, pauseMs, ending }: Attack): string {
  return JSON.stringify({ hex: parts.map((part) => part.toString('hex')), pauseMs, ending })
}

function count(report: WireReport, { parts, ending }: Attack): void {
  report.attacks += 1
  report.endings[ending] = (report.endings[ending] ?? 0) + 1
  for (const { length } of parts) report.sentBytes += length
}

function portOf({ url }: Target): number {
  return Number(new URL(url).port)
}

async function keyOf(redisUrl: string, prefix: string): Promise<string> {
  const redis = connectForWork(redisUrl, createLog('test', 'silent'))
  try {
    const keys = new ApiKeys(new Scripts(redis, prefix, null))
    const scopes = ['tasks:read', 'tasks:write'] as const
    return (await keys.create({ tenant: 'fuzz', scopes: [...scopes], lifetimeMs: 0 })).key
  } finally {
    redis.disconnect()
  }
}
