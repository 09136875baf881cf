import type { Redis } from 'ioredis'
import { bounded, cost, type Figure } from '../figures.ts'
import { median, p99, steadily } from '../load.ts'
import { plainQueueMs } from './plain-queue.ts'
import { startReceivers } from './receiving.ts'
import { startSender } from './sender.ts'
import { type ToldTasks, toldTasks } from './tasks.ts'

const PREFIX = 'bench-callbacks'
const HEALTHY = 5
const PER_SECOND = 100
const SECONDS = 5
const ROUNDS = 5
const BACKLOGS = [0, 2_000, 20_000] as const
/** Healthy callbacks at once. */
const BURST = 100
const WARMING = 1_000

/** What callbacks to healthy receivers are like while a dead one has a backlog. */
interface Phase {
  latencies: number[]
  /** Redis's, those that scripts call included. */
  commandsPerSecond: number
}

/**
 * Callbacks to healthy receivers without a dead one and beside one, whose backlog grows from round to round anew; then 100 at
 * once behind that backlog, and behind one in a plain queue.
 */
export async function isolation(redisUrl: string): Promise<Figure[]> {
  const receivers = await startReceivers(HEALTHY, ROUNDS + 1)
  const { healthy, dead } = receivers
  const sender = await startSender(redisUrl, PREFIX)
  const tasks = toldTasks(redisUrl, PREFIX)
  const targetOf = (n: number) => ({ url: healthy[n % HEALTHY]! })

  const phase = async (): Promise<Phase> => {
    const [before, began] = [await commandsOf(tasks.redis), performance.now()]
    await steadily(PER_SECOND, SECONDS, (n) => tasks.build(targetOf(n)))
    const seconds = (performance.now() - began) / 1000
    const commands = (await commandsOf(tasks.redis)) - before
    const { latencies } = await receivers.arrived(PER_SECOND * SECONDS)
    return { latencies, commandsPerSecond: commands / seconds }
  }
  const burst = async () => {
    const began = performance.timeOrigin + performance.now()
    await tasks.end(Array.from({ length: BURST }, (_, n) => targetOf(n)))
    return (await receivers.arrived(BURST)).lastMs - began
  }

  await tasks.end(Array.from({ length: WARMING }, (_, n) => targetOf(n)))
  await receivers.arrived(WARMING)
  const phases: Phase[][] = BACKLOGS.map(() => [])
  const bursts: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, backlog] of BACKLOGS.entries()) {
      await grow(tasks, dead[round]!, backlog - (BACKLOGS[at - 1] ?? 0))
      phases[at]!.push(await phase())
    }
    bursts.push(await burst())
    await tasks.deleteEnded()
  }
  await Promise.all([sender.end(), tasks.close()])
  const plain = await plainQueueMs(redisUrl, receivers, dead[ROUNDS]!, BURST)
  await receivers.end()
  return figuresOf(phases, { ours: median(bursts), theirs: plain.ms }, plain.backlog)
}

async function grow(tasks: ToldTasks, url: string, by: number): Promise<void> {
  await tasks.end(Array.from({ length: by }, () => ({ url })))
}

async function commandsOf(redis: Redis): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))![1])
}

function figuresOf(
  phases: Phase[][],
  burst: { ours: number; theirs: number },
  plainBacklog: number,
): Figure[] {
  const [without, some, most] = phases as [Phase[], Phase[], Phase[]]
  const latency = (of: Phase[], figure: (latencies: number[]) => number) =>
    median(of.map(({ latencies }) => figure(latencies)))
  const commands = (of: Phase[]) => median(of.map(({ commandsPerSecond }) => commandsPerSecond))
  const pair = (figure: (latencies: number[]) => number, of: Phase[]) => ({
    ours: latency(of, figure),
    theirs: latency(without, figure),
  })
  const wait = burst.ours / 1000
  return [
    bounded(
      `end of a task to its callback, ${PER_SECOND}/s to ${HEALTHY} receivers beside a dead one with a backlog of 20,000, p99`,
      'ms',
      latency(most, p99),
      1_000,
    ),
    cost('… by hand: without the dead one', 'ms', pair(p99, most), 1.5),
    cost('… with a backlog of 2,000', 'ms', pair(p99, some), 1.5),
    cost('… median, with 20,000', 'ms', pair(median, most), 1.5),
    cost(
      '… Redis commands with 20,000; by hand: without the dead one',
      '/s',
      { ours: commands(most), theirs: commands(without) },
      1.1,
    ),
    cost('… with 2,000', '/s', { ours: commands(some), theirs: commands(without) }, 1.1),
    {
      name: `${BURST} at once behind the backlog; by hand: one plain queue, behind ${plainBacklog}`,
      ours: `${wait.toFixed(2)} s`,
      theirs: `${(burst.theirs / 1000).toFixed(1)} s`,
      reached: `${wait.toFixed(2)} s`,
      bar: '≤ 1 s',
      met: wait <= 1,
    },
  ]
}
