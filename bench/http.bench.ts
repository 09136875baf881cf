import { bounded, type Figure, ratio } from './figures.ts'
import { inTurn, mediansOf, requestsPerSecond, type Sides } from './load.ts'
import { type Measured, startProcess } from './processes.ts'

const CAR = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
const SUBMIT = { method: 'POST', headers: { 'content-type': 'application/json' }, body: CAR } as const
/** Processes of each side: how fast one is that does the same as another differs by a third, for as long as it runs. */
const PROCESSES = 3
const ROUNDS = 2
const SECONDS = 4

/** Submitting and polling, beside a hand-written Fastify + BullMQ server; then the latency of a start on an idle machine. */
export async function http(redisUrl: string): Promise<Figure[]> {
  const submitted: Sides = { ours: [], theirs: [] }
  const polled: Sides = { ours: [], theirs: [] }
  for (let nth = 0; nth < PROCESSES; nth += 1) {
    const environment = {
      REDIS_URL: redisUrl,
      PORT: '0',
      MAX_BACKLOG: '100000000',
      KEY_PREFIX: `bench-http-${nth}`,
    }
    const ours = await startProcess('apps/api/src/main.ts', environment)
    const theirs = await startProcess('bench/hand-written.ts', environment)
    for (const warm of [submit, poll]) await Promise.all([warm(ours), warm(theirs)])
    for (const [figures, ask] of [
      [submitted, submit],
      [polled, poll],
    ] as const) {
      const { ours: mine, theirs: others } = await inTurn(
        ROUNDS,
        () => ask(ours),
        () => ask(theirs),
      )
      figures.ours.push(...mine)
      figures.theirs.push(...others)
    }
    await Promise.all([ours.end(), theirs.end()])
  }
  return [
    ratio('submit', 'requests/s', mediansOf(submitted), 0.75),
    ratio('poll', 'requests/s', mediansOf(polled), 1.5),
    bounded('`POST /cars` on an idle machine, p99', 'ms', await idleLatency(redisUrl), 20),
  ]
}

function urlOf({ told }: Measured): string {
  return String(told.url)
}

function submit(side: Measured): Promise<number> {
  return requestsPerSecond({ url: `${urlOf(side)}/cars`, ...SUBMIT }, SECONDS)
}

async function poll(side: Measured): Promise<number> {
  const paths = await Promise.all(
    Array.from({ length: 200 }, () =>
      fetch(`${urlOf(side)}/cars`, SUBMIT).then((answer) => answer.headers.get('location')!),
    ),
  )
  const requests = paths.map((path) => ({ method: 'GET' as const, path }))
  return requestsPerSecond({ url: urlOf(side), requests }, SECONDS)
}

/** The 99th percentile of 1,000 starts, one after the other 10 ms apart, with a worker that builds the cars, ms. */
async function idleLatency(redisUrl: string): Promise<number> {
  const environment = {
    REDIS_URL: redisUrl,
    PORT: '0',
    KEY_PREFIX: 'bench-idle',
    CAR_STEP_MS: '100',
    SHUTDOWN_GRACE_SECONDS: '0',
  }
  const api = await startProcess('apps/api/src/main.ts', environment)
  const worker = await startProcess('apps/worker/src/main.ts', environment)
  const took: number[] = []
  for (let n = 0; n < 1_000; n += 1) {
    const start = performance.now()
    const answer = await fetch(`${api.told.url}/cars`, SUBMIT)
    await answer.arrayBuffer()
    took.push(performance.now() - start)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await Promise.all([api.end(), worker.end()])
  return took.sort((a, b) => a - b)[989]!
}
