import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { bounded, cost, type Figure, ratio, seen } from './figures.ts'
import { median, p99, steadily } from './load.ts'
import type { Flood, Flooded } from './overload/flood.ts'
import { type Measured, startProcess } from './processes.ts'

const ROUNDS = 2
const SECONDS = 5
const SETTLE_SECONDS = 3
/** Reads and cancels, in turn. */
const ASKED_PER_SECOND = 50
/** What the connections may take to open, and an answer to come. */
const PATIENCE_MS = 30_000
/** So many clients that without shedding each waits for three times as long as it has patience, but no more than the machine bears. */
const CLIENTS_BY_STARTS_PER_SECOND = 3
const MOST_CLIENTS = 9_000
const BURST = 1_000
const READS = 200
const OVERLOADS = [3]
const LOOK_MS = 250
const START = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }),
}

interface Run extends Flooded {
  /** Of those that were answered. */
  askedP99Ms: number
  /** The share of reads and cancels that were refused. */
  askedRefused: number
}

/**
 * First a process that is as busy as can be, but does what it is asked: it is to shed nothing. Then reads and cancels, and starts that are
 * answered in time, while more starts come than it can bear: with shedding, and without.
 */
export async function overload(redisUrl: string): Promise<Figure[]> {
  const environment = {
    REDIS_URL: redisUrl,
    PORT: '0',
    MAX_BACKLOG: '100000000',
    MAX_CONNECTIONS: '20000',
    MAX_CONNECTIONS_PER_ADDRESS: '20000',
    LOG_LEVEL: 'fatal',
  }
  const flooder = await startProcess('bench/overload/flood.ts', {})
  const start = (name: string, more = {}) =>
    startProcess('apps/api/src/main.ts', { ...environment, KEY_PREFIX: `bench-overload-${name}`, ...more })

  const api = await start('busy')
  const url = urlOf(api)
  const flat = { url, perSecond: 1e6, settleSeconds: SETTLE_SECONDS, reads: [] }
  const capacity = await busy(flooder, { ...flat, connections: 100 })
  const mixed = await busy(flooder, { ...flat, connections: 100, reads: await startTasks(url, READS) })
  const burst = await busy(flooder, { ...flat, connections: BURST, settleSeconds: 0 })
  await api.end()
  const connections = BURST.toLocaleString('en')
  const figures = [
    ...busyFigures('100 connections start tasks', capacity),
    ...busyFigures('100 connections start and read tasks', mixed),
    ...busyFigures(`${connections} connections that come at once start tasks`, burst),
  ]
  for (const factor of OVERLOADS) {
    const runs: { ours: Run[]; theirs: Run[] } = { ours: [], theirs: [] }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [side, more] of [
        ['theirs', { SHED_LOOP_DELAY_MS: '0', SHED_MEMORY_SHARE: '1' }],
        ['ours', {}],
      ] as const) {
        const api = await start(`${factor}-${round}-${side}`, more)
        runs[side].push(await overloaded(api, flooder, factor, capacity.accepted))
        await api.end()
      }
    }
    figures.push(...overloadFigures(factor, runs))
  }
  await flooder.end()
  return figures
}

function overloadFigures(factor: number, runs: { ours: Run[]; theirs: Run[] }): Figure[] {
  const both = (figure: (run: Run) => number) => ({
    ours: median(runs.ours.map(figure)),
    theirs: median(runs.theirs.map(figure)),
  })
  const name = (what: string) => `${factor} × as many starts as it can bear: ${what}`
  const asked = both(({ askedP99Ms }) => askedP99Ms)
  const accepted = both(({ accepted }) => accepted)
  const refused = both(({ askedRefused }) => askedRefused)
  return [
    cost(name('reads and cancels, p99'), 'ms', asked, 0.5),
    ratio(name('starts accepted within 1 s'), 'a second', accepted, 1),
    bounded(name('reads and cancels refused'), '%', 100 * refused.ours, 0),
    seen(
      name('starts refused with shedding; accepted after more than 1 s without'),
      [both(({ refused }) => refused).ours, both(({ late }) => late).theirs].map(perSecond).join('; '),
    ),
  ]
}

function busyFigures(what: string, { accepted, late, shed, delayMs }: Busy): Figure[] {
  return [
    bounded(`${what} as fast as they can: requests shed`, 'requests', shed, 0),
    seen(
      '… answered; longest delay of the event loop',
      `${perSecond(accepted + late)}; ${Math.round(delayMs)} ms`,
    ),
  ]
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`
}

interface Busy extends Flooded {
  /** Requests, with those before it was counted. */
  shed: number
  /** The longest that was seen, smoothed as it is for shedding. */
  delayMs: number
}

/** What a process refuses that has much to do. */
async function busy(flooder: Measured, asked: Omit<Flood, 'seconds'>): Promise<Busy> {
  const before = await loadOf(asked.url)
  let isOver = false
  let delayMs = 0
  const look = async () => {
    for (; !isOver; await pause(LOOK_MS)) delayMs = Math.max(delayMs, (await loadOf(asked.url)).delayMs)
  }
  const looking = look()
  const flooded = await flood(flooder, asked)
  isOver = true
  await looking
  return { ...flooded, shed: (await loadOf(asked.url)).shed - before.shed, delayMs }
}

/** What becomes of starts, reads and cancels while more come than the process can bear. */
async function overloaded(api: Measured, flooder: Measured, factor: number, capacity: number): Promise<Run> {
  const url = urlOf(api)
  const paths = await startTasks(url, ASKED_PER_SECOND * SECONDS)
  const tookMs: number[] = []
  let refused = 0
  const ask = async (n: number) => {
    const [path, method] = n % 2 === 0 ? [paths[n], 'GET'] : [`${paths[n]}/cancel`, 'POST']
    const began = performance.now()
    const answer = await fetch(`${url}${path}`, { method, signal: AbortSignal.timeout(PATIENCE_MS) })
    await answer.arrayBuffer()
    if (answer.status === 202) tookMs.push(performance.now() - began)
    else if (answer.status === 503) refused += 1
    else throw new Error(`${method} ${path} was answered ${answer.status}`)
  }
  const connections = Math.min(MOST_CLIENTS, Math.round(CLIENTS_BY_STARTS_PER_SECOND * capacity))
  const flooded = await flood(
    flooder,
    { url, perSecond: factor * capacity, connections, settleSeconds: SETTLE_SECONDS, reads: [] },
    () => steadily(ASKED_PER_SECOND, SECONDS, ask),
  )
  return { ...flooded, askedP99Ms: p99(tookMs), askedRefused: refused / paths.length }
}

/** @param meanwhile what is done while it is counted */
async function flood(
  { child }: Measured,
  asked: Omit<Flood, 'seconds'>,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<Flooded> {
  const told = (withinMs: number) => once(child, 'message', { signal: AbortSignal.timeout(withinMs) })
  child.send({ ...asked, seconds: SECONDS } satisfies Flood)
  await told(1_000 * asked.settleSeconds + PATIENCE_MS)
  const over = told(1_000 * SECONDS + PATIENCE_MS)
  const [[flooded]] = await Promise.all([over, meanwhile()])
  return flooded as Flooded
}

function urlOf({ told }: Measured): string {
  return String(told.url)
}

/** Paths of so many new tasks, for which nobody works. */
async function startTasks(url: string, count: number): Promise<string[]> {
  const paths: string[] = []
  // A process that is just up may not have reached Redis yet.
  for (const latest = performance.now() + PATIENCE_MS; paths.length < count; ) {
    const answer = await fetch(`${url}/cars`, { ...START, signal: AbortSignal.timeout(PATIENCE_MS) })
    await answer.arrayBuffer()
    if (answer.status === 202) paths.push(answer.headers.get('location')!)
    else if (performance.now() > latest) throw new Error(`a start was answered ${answer.status}`)
  }
  return paths
}

/** What it has shed so far, and how late its event loop is. */
async function loadOf(url: string): Promise<{ shed: number; delayMs: number }> {
  const text = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(PATIENCE_MS) })).text()
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].reduce(
      (all, [, value]) => all + Number(value),
      0,
    )
  return { shed: sum('http_requests_shed_total'), delayMs: 1_000 * sum('http_loop_delay_seconds') }
}
