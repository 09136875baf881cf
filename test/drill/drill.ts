import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Contents, contentsOf, passTime, seeded } from '@accepted/core/testing'
import { type Judgement, judge } from '../soak/judge.ts'
import { type SoakedStore, soakedStore } from '../soak/soaked-store.ts'
import { leftOvers } from './at-rest.ts'
import { audit, type Remains, unasked } from './audit.ts'
import { Clients } from './clients.ts'
import { type Strike, schedule } from './faults.ts'
import { Stage } from './stage.ts'

const PREFIX = 'drill'
const ORIGINS = 3
const CALLBACK_TIMEOUT_MS = 2_000
/** So many attempts, and so long in all, that no receiver here is given up. */
const SCHEDULE = ['500ms', '1s', '1s', ...Array.from({ length: 60 }, () => '2s'), '1h'].join()
/** Of one worker: what it takes over from one that is frozen is not over yet when that is thawed, and would write. */
const SLOW_STEP_MS = 2_000
const SHOP_ORDERS = 300
/** Tasks end, and their callbacks are over, so much after the last fault, at the latest. */
const CLIENTS_REST_WITHIN_MS = 120_000
const RESTS_WITHIN_MS = 300_000
const JOBS_REST_WITHIN_MS = 20_000
const LOOK_EVERY_MS = 200
/** An API serves again so much after Redis is back, on a machine that is busy. */
const BACK_WITHIN_MS = 10_000

export interface DrillOptions {
  /** Empty. */
  dataDir: string
  seed: number
  forMs: number
  tasksPerSecond: number
  /** No fault lasts longer. */
  longestMs?: number
  /** A library that sets the clock of Redis by a file; without it, that clock is right. */
  clockLibrary?: string | undefined
  say: (words: string) => void
}

export interface DrillReport {
  seed: number
  /** How many faults of each kind. */
  faults: Record<string, number>
  /** What clients were told when they wanted a task: how many were accepted, refused, or do not know. */
  starts: Record<string, number>
  /** Tasks that had ended before they could be taken back, though their clients had been refused: docs/decisions/018. */
  notTakenBack: number
  /** How often which status was answered; `none`: the connection broke, or it took too long. */
  answers: Record<string, number>
  /** Tasks at the end, by operation and status. */
  tasks: Record<string, number>
  /** Attempts that did not end well, by their errors' codes. */
  attemptErrors: Record<string, number>
  /** Messages that had to come, that were taken by receivers, and how often again. */
  messages: { expected: number; taken: number; duplicates: number }
  /** From the last fault until all was at rest. */
  restedAfterMs: number
  /** What apps said at level `warn` or above. */
  said: Record<string, number>
  /** All that is wrong, in words. */
  wrong: string[]
}

/** Plays faults on a stack at work, lets it come to rest, and holds what is there against what its clients were told. */
export async function drill(options: DrillOptions): Promise<DrillReport> {
  const { dataDir, seed, forMs, longestMs, tasksPerSecond, clockLibrary, say } = options
  const key = randomBytes(32)
  const strikes = schedule(seeded(seed), { forMs, ...(longestMs ? { longestMs } : {}) }).filter(
    (strike) => clockLibrary || strike.kind !== 'clock' || strike.who !== 'redis',
  )
  const stage = new Stage({
    dataDir,
    clockLibrary,
    say,
    environment: {
      KEY_PREFIX: PREFIX,
      SECRETS_KEY: key.toString('hex'),
      CALLBACK_ALLOW_CIDRS: '127.0.0.0/8',
      CALLBACK_TIMEOUT_SECONDS: String(CALLBACK_TIMEOUT_MS / 1000),
      CALLBACK_SCHEDULE: SCHEDULE,
      CAR_STEP_MS: '100',
      SHUTDOWN_GRACE_SECONDS: '1',
    },
    own: { 'worker 2': { CAR_STEP_MS: String(SLOW_STEP_MS) } },
  })
  let store: SoakedStore | undefined
  try {
    await stage.open(async (redisUrl) => {
      store = await soakedStore(redisUrl, PREFIX)
      return {
        SECRET: await store.secret(key),
        ORIGINS: String(ORIGINS),
        TIMEOUT_MS: String(CALLBACK_TIMEOUT_MS),
      }
    })
    const clients = new Clients(stage.apiUrls, stage.receiverUrls, seeded(seed + 1))
    await clients.fillShop(SHOP_ORDERS)
    await Promise.all([clients.work(tasksPerSecond, AbortSignal.timeout(forMs)), stage.play(strikes)])
    say(`${clients.orders.length} orders; all comes to rest`)
    const healed = performance.now()
    await clients.rest(CLIENTS_REST_WITHIN_MS)
    await rest(store!, healed + RESTS_WITHIN_MS)
    const restedAfterMs = Math.round(performance.now() - healed)
    // What is there is there still when Redis has died once more.
    await stage.strike({ kind: 'kill', who: 'redis', forMs: 100 })
    const left = await rest(store!, performance.now() + JOBS_REST_WITHIN_MS)
    return await report(stage, store!, clients, { seed, strikes, restedAfterMs, left })
  } finally {
    await store?.close()
    await stage.close()
  }
}

/**
 * Waits until nothing waits, runs or is due, and no right to run a task is left. Cancels what awaits the confirmation of a client
 * that does not know of it. Resolves to the keys of jobs that are left: to show that they are there, workers fetch now and then.
 */
async function rest({ scripts, cancel }: SoakedStore, until: number): Promise<string[]> {
  while (true) {
    const contents = await contentsOf({ redis: scripts.redis, scripts })
    for (const { taskId, status } of contents.open.values())
      if (status === 'awaiting_confirmation') await cancel(taskId)
    const timers = [...contents.map('timers').keys()].filter((name) => !name.startsWith('probe:'))
    const isIdle = contents.open.size === 0 && !contents.keys.some((name) => /^(trying|flow):/.test(name))
    const jobs = await jobsLeft(scripts)
    if ((isIdle && timers.length === 0 && jobs.length === 0) || performance.now() > until) return jobs
    // A message that has lost worker after worker waits for minutes: those pass.
    const onlyDue = timers.length > 0 && timers.every((name) => name.startsWith('due:'))
    if (contents.open.size === 0 && onlyDue) await passTime({ redis: scripts.redis, scripts }, 10_000)
    await pause(LOOK_EVERY_MS)
  }
}

/** What BullMQ keeps of a queue without jobs. */
const BULL_AT_REST = /:(meta|id|events|stalled-check|marker)$/

/** The keys of jobs that nobody has done. */
async function jobsLeft(scripts: SoakedStore['scripts']): Promise<string[]> {
  const prefix = `${scripts.prefixOf(0)}bull:`
  const left: string[] = []
  for await (const keys of scripts.redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
    left.push(...(keys as string[]).filter((key) => !BULL_AT_REST.test(key)))
  }
  return left
}

async function report(
  stage: Stage,
  store: SoakedStore,
  clients: Clients,
  played: { seed: number; strikes: Strike[]; restedAfterMs: number; left: string[] },
): Promise<DrillReport> {
  const contents = await contentsOf({ redis: store.scripts.redis, scripts: store.scripts })
  const tasks = [...contents.open.values(), ...contents.done.values()]
  const calledBack = tasks.filter(({ head }) => head.callback)
  const settled = await Promise.all(calledBack.map(({ taskId }) => store.settled(taskId)))
  const { receipts, forged } = await stage.receipts()
  const messages = judge(
    settled.filter((task) => task !== null),
    receipts,
    [],
  )
  const { finishedSteps, notTakenBack } = stage
  const missing = clients.orders.flatMap(({ taskId }) => (taskId && !contents.done.has(taskId) ? taskId : []))
  const apiUrl = stage.apiUrls[0]!
  const gone = await goneOf(apiUrl, missing)
  const remains = { tasks, finishedSteps, notTakenBack, gone, ...(await resources(apiUrl, contents)) }
  return {
    seed: played.seed,
    faults: counted(
      played.strikes.map(({ kind, ...rest }) => ('who' in rest ? `${kind} ${rest.who}` : kind)),
    ),
    starts: counted(clients.orders.map(({ answer }) => answer)),
    notTakenBack: notTakenBack.size,
    answers: Object.fromEntries(clients.answers),
    tasks: counted(tasks.map(({ operation, status }) => `${operation} ${status}`)),
    attemptErrors: counted(
      tasks.flatMap(({ attempts }) => attempts.flatMap(({ error }) => error?.code ?? [])),
    ),
    messages: {
      expected: messages.expected,
      taken: receipts.filter(({ taken }) => taken > 0).length,
      duplicates: messages.duplicates,
    },
    restedAfterMs: played.restedAfterMs,
    said: Object.fromEntries(stage.said),
    wrong: [
      ...clients.oddities,
      ...audit(clients.orders, remains),
      ...wrongMessages(messages, forged),
      ...unasked(tasks, receipts),
      ...leftOvers(contents),
      ...played.left.map((key) => `${key} is left`),
      ...stage.endedAlone,
    ],
  }
}

function wrongMessages({ missing, odd }: Judgement, forged: number): string[] {
  return [
    ...missing.map((message) => `the message ${message} never came`),
    ...odd,
    ...(forged > 0 ? [`${forged} messages came that were not signed by us`] : []),
  ]
}

async function resources(
  apiUrl: string,
  contents: Contents,
): Promise<Pick<Remains, 'cars' | 'brokenReports'>> {
  const cars: Remains['cars'][number][] = []
  let page: string | null = '/cars?limit=200'
  while (page) {
    const answer = await fetchOnceBack(`${apiUrl}${page}`)
    if (!answer.ok) throw new Error(`${page}: ${answer.status}`)
    cars.push(...((await answer.json()) as Remains['cars']))
    page = /<([^>]*)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1] ?? null
  }
  const brokenReports: string[] = []
  for (const { operation, status, resource } of contents.done.values()) {
    if (operation !== 'report.export' || status !== 'completed') continue
    const answer = await fetchOnceBack(`${apiUrl}${resource}`)
    const bytes = Buffer.from(await answer.arrayBuffer())
    if (!answer.ok || !bytes.subarray(0, 5).equals(Buffer.from('%PDF-'))) brokenReports.push(resource!)
  }
  return { cars, brokenReports }
}

/** Those of these tasks that were there once, by their tombstones. */
async function goneOf(apiUrl: string, taskIds: string[]): Promise<Set<string>> {
  const gone = new Set<string>()
  for (const taskId of taskIds) {
    const { status } = await fetchOnceBack(`${apiUrl}/tasks/${taskId}`)
    if (status === 410) gone.add(taskId)
  }
  return gone
}

/** Fetches from an API that may not have found its way back to Redis yet. */
async function fetchOnceBack(url: string): Promise<Response> {
  const late = performance.now() + BACK_WITHIN_MS
  for (;;) {
    const answer = await fetch(url)
    if (answer.status !== 503 || performance.now() > late) return answer
    await answer.body?.cancel()
    await pause(100)
  }
}

function counted(words: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
