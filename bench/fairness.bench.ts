import { Redis } from 'ioredis'
import { type Backlog, drainTasks } from './drain.ts'
import { TASK_MS } from './fairness/task-ms.ts'
import { plainWaits, SLOTS, waitsBeside } from './fairness/waits.ts'
import { cost, type Figure, ratio } from './figures.ts'
import { median, mediansOf, p99, processorMsOf, type Sides } from './load.ts'

const FLOOD = 50_000
const SAMPLES = 100
const OTHERS = 8
/** With 50,000 each sample would wait eight minutes. */
const PLAIN_FLOOD = 500
const PLAIN_SAMPLES = 6
const DRAINED = 10_000
const ROUNDS = 12
const TENANTS = Array.from({ length: 100 }, (_, n) => `tenant${n}`)

/**
 * How long tasks of a small tenant wait beside a flood, and beside a flood and other active tenants, and behind a flood in a plain queue;
 * and what the turns of many tenants cost, and their weights and running caps.
 */
export async function fairness(redisUrl: string): Promise<Figure[]> {
  const alone = await waitsBeside(redisUrl, { flood: FLOOD, others: 0, samples: SAMPLES })
  const among = await waitsBeside(redisUrl, { flood: FLOOD, others: OTHERS, samples: SAMPLES })
  const plain = await plainWaits(redisUrl, { flood: PLAIN_FLOOD, samples: PLAIN_SAMPLES })
  const flood = FLOOD.toLocaleString('en')
  return [
    ...waitsOf(`one at a time beside ${flood} of another tenant`, alone, plain, 2),
    ...waitsOf(`… and ${OTHERS} more tenants with all that they can run`, among, plain, OTHERS + 2),
    ...(await costs(redisUrl)),
  ]
}

/** Held against one task time for each active tenant and slot; at most, until a slot comes free, one task time more. */
function waitsOf(name: string, waits: number[], plain: number[], tenants: number): Figure[] {
  const perTenant = (TASK_MS * tenants) / SLOTS
  const figure = (of: string, reached: number, theirs: number, atMost: number): Figure => ({
    name: `${name}: a task waits, ${of}; by hand: one plain queue, behind ${PLAIN_FLOOD}`,
    ours: `${Math.round(reached)} ms`,
    theirs: `${Math.round(theirs).toLocaleString('en')} ms`,
    reached: `${Math.round(reached)} ms`,
    bar: `≤ ${atMost} ms`,
    met: reached <= atMost,
  })
  return [
    figure('median', median(waits), median(plain), perTenant),
    figure('p99', p99(waits), p99(plain), perTenant + TASK_MS),
  ]
}

/** The same tasks of many tenants, drained in turn: in one plain queue, in turns of the tenants, and with limits of each. */
async function costs(redisUrl: string): Promise<Figure[]> {
  const capOf = (running: number) => (nth: number) => ({ running, weight: 1 + (nth % 4) })
  const backlogs: Backlog[] = [
    { tasks: DRAINED, tenants: TENANTS, isPlain: true },
    { tasks: DRAINED, tenants: TENANTS },
    // Of fifty slots few of a hundred tenants ever have five; at a cap of one is whoever runs anything.
    { tasks: DRAINED, tenants: TENANTS, limitsOf: capOf(5) },
    { tasks: DRAINED, tenants: TENANTS, limitsOf: capOf(1) },
  ]
  const redis = new Redis(redisUrl)
  const rates: number[][] = backlogs.map(() => [])
  const times: number[][] = backlogs.map(() => [])
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let turn = 0; turn < backlogs.length; turn += 1) {
      // Each is the first as often as the last: the machine's speed drifts.
      const at = (round + turn) % backlogs.length
      const before = await processorMsOf(redis)
      rates[at]!.push(await drainTasks(redisUrl, `bench-fair-${round}-${at}`, backlogs[at]!))
      times[at]!.push((1_000 * ((await processorMsOf(redis)) - before)) / DRAINED)
    }
  }
  redis.disconnect()
  return ['in turns', 'with a weight and a running cap each', 'always at that cap'].flatMap((what, n) => {
    const name = `${TENANTS.length} tenants, ${what}; by hand: in one plain queue`
    return [
      pairedRatio(`no-op tasks of ${name}`, 'tasks/s', { ours: rates[n + 1]!, theirs: rates[0]! }, 0.9),
      {
        ...cost(
          `processor time of Redis, from create to end, for a task of ${name}`,
          'µs',
          mediansOf({ ours: times[n + 1]!, theirs: times[0]! }),
          Number.POSITIVE_INFINITY,
        ),
        bar: 'none',
      },
    ]
  })
}

/** Of rates that were measured in rounds, the median of what each round's came to: rounds differ by more than sides do. */
function pairedRatio(name: string, unit: string, sides: Sides, atLeast: number): Figure {
  const value = median(sides.ours.map((rate, round) => rate / sides.theirs[round]!))
  const { ours, theirs } = mediansOf(sides)
  return {
    ...ratio(name, unit, { ours, theirs }, atLeast),
    reached: `${value.toFixed(2)} ×`,
    met: value >= atLeast,
  }
}
