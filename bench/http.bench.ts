import { bounded, type Figure, ratio } from './figures.ts'
import { requestsPerSecond, sideBySide } from './load.ts'
import { startProcess } from './processes.ts'

const CAR = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
const SUBMIT = { method: 'POST', headers: { 'content-type': 'application/json' }, body: CAR } as const
const ROUNDS = 5
const SECONDS = 4

/** Submitting and polling, beside a hand-written Fastify + BullMQ server; then the latency of a start on an idle machine. */
export async function http(redisUrl: string): Promise<Figure[]> {
  const environment = { REDIS_URL: redisUrl, PORT: '0', MAX_BACKLOG: '100000000', KEY_PREFIX: 'bench-http' }
  const ours = await startProcess('apps/api/src/main.ts', environment)
  const theirs = await startProcess('bench/hand-written.ts', environment)
  const urlOf = ({ told }: typeof ours) => String(told.url)
  const submit = (side: typeof ours) => requestsPerSecond({ url: `${urlOf(side)}/cars`, ...SUBMIT }, SECONDS)
  await Promise.all([submit(ours), submit(theirs)]) // warm
  const submitted = await sideBySide(
    ROUNDS,
    () => submit(ours),
    () => submit(theirs),
  )

  const poll = async (side: typeof ours) => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, () =>
        fetch(`${urlOf(side)}/cars`, SUBMIT).then((answer) => answer.headers.get('location')!),
      ),
    )
    return requestsPerSecond(
      { url: urlOf(side), requests: answers.map((path) => ({ method: 'GET', path })) },
      SECONDS,
    )
  }
  const polled = await sideBySide(
    ROUNDS,
    () => poll(ours),
    () => poll(theirs),
  )
  await Promise.all([ours.end(), theirs.end()])
  return [
    ratio('submit', 'requests/s', submitted, 0.75),
    ratio('poll', 'requests/s', polled, 1.5),
    bounded('`POST /cars` on an idle machine, p99', 'ms', await idleLatency(redisUrl), 20),
  ]
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
