import { createSecretKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { signMessage } from '@accepted/core'
import { type Figure, ratio } from './figures.ts'
import { median } from './load.ts'

const MESSAGES = 6_400
const AT_ONCE = 64
const ROUNDS = 7
const KEYS = {
  secrets: [createSecretKey(randomBytes(32))],
  privateKeys: [generateKeyPairSync('ed25519').privateKey],
}
const V1_ONLY = { ...KEYS, privateKeys: [] }
const BODY = JSON.stringify({ text: 'x'.repeat(1_000) })

/** Callbacks of 1 KB signed with `v1` and `v1a`: against `v1` alone, and against `v1a` in the event loop's own thread. */
export async function signing(): Promise<Figure[]> {
  const ways = {
    both: (n: number) => signMessage(messageOf(n), KEYS),
    inLoop: (n: number) => signInLoop(n),
    v1: (n: number) => signMessage(messageOf(n), V1_ONLY),
  }
  const names = Object.keys(ways) as (keyof typeof ways)[]
  const rounds: Record<keyof typeof ways, Round[]> = { both: [], inLoop: [], v1: [] }
  for (const name of names) await measure(ways[name])
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of names) rounds[name].push(await measure(ways[name]))
  }
  const rate = (name: keyof typeof ways) => median(rounds[name].map(({ perSecond }) => perSecond))
  const micros = (name: keyof typeof ways) => median(rounds[name].map(({ threadMicros }) => threadMicros))
  const share = micros('both') / micros('inLoop')
  return [
    ratio(
      'sign with `v1` and `v1a`; by hand: `v1` alone',
      'messages/s',
      { ours: rate('both'), theirs: rate('v1') },
      0.05,
    ),
    {
      name: "… time of the event loop's thread; by hand: all in that thread",
      ours: `${micros('both').toFixed(1)} µs`,
      theirs: `${micros('inLoop').toFixed(1)} µs`,
      reached: `${share.toFixed(2)} ×`,
      bar: '≤ 0.5 ×',
      met: share <= 0.5,
    },
  ]
}

async function signInLoop(n: number): Promise<unknown> {
  const headers = await signMessage(messageOf(n), V1_ONLY)
  const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${BODY}`)
  return `${headers['webhook-signature']} v1a,${sign(null, signed, KEYS.privateKeys[0]!).toString('base64')}`
}

function messageOf(n: number) {
  return { id: `dlv_${n}`, timestampMs: 1_763_678_400_000 + n, body: BODY }
}

interface Round {
  perSecond: number
  /** Processor time of the event loop's thread, a message. */
  threadMicros: number
}

async function measure(way: (n: number) => Promise<unknown>): Promise<Round> {
  const before = process.threadCpuUsage()
  const started = performance.now()
  for (let n = 0; n < MESSAGES; n += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, m) => way(n + m)))
  }
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.threadCpuUsage(before)
  return { perSecond: MESSAGES / seconds, threadMicros: (user + system) / MESSAGES }
}
