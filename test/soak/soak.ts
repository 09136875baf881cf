import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isStoreAway } from '@accepted/core'
import { type EndedTask, type Judgement, judge } from './judge.ts'
import { type MortalWorkers, startMortalWorkers } from './mortal-workers.ts'
import type { Receipts } from './receiver.ts'
import { type SoakedStore, soakedStore } from './soaked-store.ts'

const RECEIVER = fileURLToPath(new URL('receiver.ts', import.meta.url))
const ORIGINS = 4
const WORKERS = 3
const TIMEOUT_MS = 1_000
const KILL_EVERY_MS = { least: 2_000, most: 5_000 }
/** Shares of all tasks. */
const CANCELED = 0.15
const FAILING = 0.1
/** So many attempts, and so long in all, that no receiver here is given up. */
const SCHEDULE = ['500ms', '1s', '1s', ...Array.from({ length: 30 }, () => '2s'), '1h'].join()
/** What has lost its worker thrice waits for three minutes. */
const SETTLED_WITHIN_MS = 600_000
const READ_AT_ONCE = 100
const LOOK_EVERY_MS = 1_000
const SAY_EVERY_MS = 30_000

export interface SoakOptions {
  redisUrl: string
  prefix: string
  /** How long tasks are started, and workers killed. */
  forMs: number
  tasksPerSecond: number
  /** Told now and then how it goes. */
  say?: (words: string) => void
  /** When all that is left waits for its time: makes that pass. Without it, it is waited for. */
  passTime?: (store: SoakedStore, ms: number) => Promise<void>
}

export interface SoakReport extends Judgement {
  tasks: Record<string, number>
  kills: number
  /** Deliveries that any worker held when one was killed, over all kills. */
  heldAtKills: number
  /** Messages that came, by their ids, and how often they came and were taken. */
  messages: number
  arrived: number
  taken: number
  /** From what a message tells of until it was taken: half of all were not later, 99 of 100, all; ms. */
  lateMs: { half: number; most: number; all: number }
  forged: number
  /** What workers said at level `warn` or above. */
  said: Record<string, number>
}

/** Whether a run has shown a fault. */
export function isFaulty({ missing, odd, unexplained, lostWithoutKill, forged }: SoakReport): boolean {
  return [missing, odd, unexplained, lostWithoutKill].some((faults) => faults.length > 0) || forged > 0
}

/**
 * Starts tasks with callbacks, and kills one of three workers every few seconds, without mercy; then lets all come to rest and
 * holds what the receivers got against what they had to get.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { redisUrl, prefix, forMs, tasksPerSecond, say = () => undefined } = options
  const key = randomBytes(32)
  const store = await soakedStore(redisUrl, prefix)
  const receiver = fork(RECEIVER, {
    env: { SECRET: await store.secret(key), ORIGINS: String(ORIGINS), TIMEOUT_MS: String(TIMEOUT_MS) },
  })
  const [{ urls }] = (await once(receiver, 'message')) as [{ urls: string[] }]
  const workers = await startMortalWorkers(
    WORKERS,
    {
      REDIS_URL: redisUrl,
      KEY_PREFIX: prefix,
      SECRETS_KEY: key.toString('hex'),
      CALLBACK_ALLOW_CIDRS: '127.0.0.0/8',
      CALLBACK_TIMEOUT_SECONDS: String(TIMEOUT_MS / 1000),
      CALLBACK_SCHEDULE: SCHEDULE,
      CAR_STEP_MS: '20',
      SHUTDOWN_GRACE_SECONDS: '1',
    },
    Math.random,
  )
  try {
    const over = AbortSignal.timeout(forMs)
    const [taskIds, kills] = await Promise.all([
      startTasks(store, urls, tasksPerSecond, over, say),
      killWorkers(store, workers, over),
    ])
    say(`${taskIds.length} tasks were started, ${kills.length} workers killed; all comes to rest`)
    const tasks = await atRest(store, taskIds, options)
    const { receipts, forged } = await receiptsOf(receiver)
    const sum = (figures: number[]) => figures.reduce((all, one) => all + one, 0)
    return {
      tasks: counted(tasks.map(({ status }) => status)),
      kills: kills.length,
      heldAtKills: sum(kills.map(({ size }) => size)),
      messages: receipts.length,
      arrived: sum(receipts.map(({ arrived }) => arrived)),
      taken: sum(receipts.map(({ taken }) => taken)),
      lateMs: lateness(receipts.filter(({ taken }) => taken > 0).map(({ lateMs }) => lateMs)),
      forged,
      said: Object.fromEntries(workers.said),
      ...judge(tasks, receipts, kills),
    }
  } finally {
    await workers.end()
    receiver.kill()
    await store.close()
  }
}

async function startTasks(
  store: SoakedStore,
  urls: string[],
  perSecond: number,
  over: AbortSignal,
  say: (words: string) => void,
): Promise<string[]> {
  const taskIds: string[] = []
  const cancels: Promise<unknown>[] = []
  const saying = setInterval(async () => {
    const { tasks, callbacks } = await store.waiting()
    say(`${taskIds.length} tasks, of which ${tasks} wait, as do ${callbacks} callbacks`)
  }, SAY_EVERY_MS)
  while (!over.aborted) {
    const url = urls[taskIds.length % urls.length]!
    const dice = Math.random()
    const taskId = await unlessAway(dice < FAILING ? store.reserveNoCar(url) : store.build(url))
    if (taskId) taskIds.push(taskId)
    if (taskId && dice > 1 - CANCELED) {
      cancels.push(pause(Math.random() * 60).then(() => unlessAway(store.cancel(taskId))))
    }
    await pause(1000 / perSecond)
  }
  clearInterval(saying)
  await Promise.all(cancels)
  return taskIds
}

/** On a machine that is busy the store may refuse what reaches it late: then it has not happened. */
async function unlessAway<T>(act: Promise<T>): Promise<T | undefined> {
  return act.catch((error) => {
    if (isStoreAway(error)) return undefined
    throw error
  })
}

/** Resolves to the deliveries that workers held when one of them was killed, for each kill. */
async function killWorkers(
  store: SoakedStore,
  workers: MortalWorkers,
  over: AbortSignal,
): Promise<Set<string>[]> {
  const { least, most } = KILL_EVERY_MS
  const kills: Set<string>[] = []
  while (true) {
    await pause(least + Math.random() * (most - least), undefined, { signal: over }).catch(() => undefined)
    if (over.aborted) return kills
    await workers.killOne()
    kills.push((await store.timers()).posting)
  }
}

/** Waits until every task has ended and every delivery is over. @throws {Error} if that takes too long */
async function atRest(
  store: SoakedStore,
  taskIds: string[],
  { passTime, say = () => undefined }: SoakOptions,
): Promise<EndedTask[]> {
  const latest = performance.now() + SETTLED_WITHIN_MS
  const tasks: EndedTask[] = []
  let open = taskIds
  let sayAt = 0
  while (open.length > 0) {
    const before = open
    open = []
    for (let from = 0; from < before.length; from += READ_AT_ONCE) {
      const batch = before.slice(from, from + READ_AT_ONCE)
      const settled = await Promise.all(batch.map((taskId) => store.settled(taskId)))
      tasks.push(...settled.filter((task) => task !== null))
      open.push(...batch.filter((_, at) => settled[at] === null))
    }
    if (performance.now() > latest) throw new Error(`not at rest: ${open.slice(0, 10).join(', ')} …`)
    const { posting, tasks: underWay, due } = await store.timers()
    if (passTime && posting.size === 0 && underWay === 0 && due > 0) await passTime(store, 60_000)
    if (open.length > 0 && performance.now() > sayAt) {
      sayAt = performance.now() + SAY_EVERY_MS
      say(`${open.length} tasks are not at rest yet, ${due} deliveries wait for their time`)
    }
    await pause(open.length > 0 ? LOOK_EVERY_MS : 0)
  }
  return tasks
}

async function receiptsOf(receiver: ChildProcess): Promise<Receipts> {
  receiver.send('receipts')
  const [receipts] = await once(receiver, 'message')
  return receipts as Receipts
}

function lateness(figures: number[]): SoakReport['lateMs'] {
  const sorted = figures.sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0
  return { half: at(0.5), most: at(0.99), all: at(1) }
}

function counted(words: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
