import { once } from 'node:events'
import { bounded, cost, type Figure, ratio, seen } from './figures.ts'
import { median, p99, steadily } from './load.ts'
import type { Flood, Flooded } from './overload/flood.ts'
import { type Measured, startProcess } from './processes.ts'

const ROUNDS = 2
const SECONDS = 5
const SETTLE_SECONDS = 3
const READS_PER_SECOND = 50
/** So many clients that without shedding each waits for longer than it has patience. */
const CONNECTIONS = 4_000
const OVERLOADS = [2, 4]
const START = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }),
}

interface Run extends Flooded {
  /** Of those that were answered. */
  readP99Ms: number
  /** The share of reads that were refused. */
  readsRefused: number
}

/**
 * Reads, and starts that are answered in time, while more starts come than an API process can bear: with shedding, and without. Then a
 * process that is busy with 100 connections, which is to shed nothing.
 */
export async function overload(redisUrl: string): Promise<Figure[]> {
  const environment = { REDIS_URL: redisUrl, PORT: '0', MAX_BACKLOG: '100000000', LOG_LEVEL: 'fatal' }
  const flooder = await startProcess('bench/overload/flood.ts', {})
  const start = (name: string, more = {}) =>
    startProcess('apps/api/src/main.ts', { ...environment, KEY_PREFIX: `bench-overload-${name}`, ...more })

  const busy = await start('busy')
  const capacity = await flood(flooder, { url: urlOf(busy), perSecond: 1e6, connections: 100 })
  const shedWhenBusy = await shedOf(busy)
  await busy.end()

  const figures = [
    bounded('requests shed with 100 connections as busy as can be', 'requests', shedWhenBusy, 0),
    seen('… starts', `${Math.round(capacity.accepted).toLocaleString('en')} a second`),
  ]
  for (const factor of OVERLOADS) {
    const runs: { ours: Run[]; theirs: Run[] } = { ours: [], theirs: [] }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [side, more] of [
        ['theirs', { SHED_LOOP_DELAY_MS: '0', SHED_MEMORY_SHARE: '1' }],
        ['ours', {}],
      ] as const) {
        const api = await start(`${factor}-${round}-${side}`, more)
        runs[side].push(await overloaded(api, flooder, factor * capacity.accepted))
        await api.end()
      }
    }
    const both = (figure: (run: Run) => number) => ({
      ours: median(runs.ours.map(figure)),
      theirs: median(runs.theirs.map(figure)),
    })
    const name = (what: string) => `${factor} × as many starts as it can bear: ${what}`
    figures.push(
      cost(
        name('reads, p99'),
        'ms',
        both(({ readP99Ms }) => readP99Ms),
        0.5,
      ),
      ratio(
        name('starts accepted within 1 s'),
        'a second',
        both(({ accepted }) => accepted),
        1,
      ),
      seen(
        name('reads refused with shedding; without'),
        Object.values(both(({ readsRefused }) => readsRefused))
          .map((share) => `${(100 * share).toFixed(1)} %`)
          .join('; '),
      ),
      seen(
        name('starts refused with shedding; accepted after more than 1 s without'),
        [both(({ refused }) => refused).ours, both(({ late }) => late).theirs].map(perSecond).join('; '),
      ),
    )
  }
  await flooder.end()
  return figures
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`
}

/** What becomes of reads and starts while more come than the process can bear. */
async function overloaded(api: Measured, flooder: Measured, perSecond: number): Promise<Run> {
  const url = urlOf(api)
  let path: string | null = null
  // A process that is just up may not have reached Redis yet.
  while (!path) path = (await fetch(`${url}/cars`, START)).headers.get('location')
  const tookMs: number[] = []
  const flooded = await flood(flooder, { url, perSecond, connections: CONNECTIONS }, () =>
    steadily(READS_PER_SECOND, SECONDS, async () => {
      const began = performance.now()
      const answer = await fetch(`${url}${path}`)
      await answer.arrayBuffer()
      if (answer.status === 202) tookMs.push(performance.now() - began)
    }),
  )
  const readsRefused = 1 - tookMs.length / (READS_PER_SECOND * SECONDS)
  return { ...flooded, readP99Ms: p99(tookMs), readsRefused }
}

/** @param meanwhile what is done while it is counted */
async function flood(
  { child }: Measured,
  asked: Pick<Flood, 'url' | 'perSecond' | 'connections'>,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<Flooded> {
  child.send({ ...asked, settleSeconds: SETTLE_SECONDS, seconds: SECONDS } satisfies Flood)
  await once(child, 'message')
  const over = once(child, 'message')
  await meanwhile()
  const [flooded] = await over
  return flooded as Flooded
}

function urlOf({ told }: Measured): string {
  return String(told.url)
}

async function shedOf(api: Measured): Promise<number> {
  const text = await (await fetch(`${urlOf(api)}/metrics`)).text()
  return [...text.matchAll(/^http_requests_shed_total\S* (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
}
