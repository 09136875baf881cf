import { NewerFormat, type StoreFigures, StoreUnavailable } from '@accepted/core'
import { Counter, Gauge, Registry } from 'prom-client'

/** What the store's counters are told as: the first word of their names, then those that are labels. */
const COUNTERS: Record<string, { name: string; help: string; labelNames: string[] }> = {
  created: {
    name: 'accepted_tasks_created_total',
    help: 'Tasks that were accepted',
    labelNames: ['operation'],
  },
  withdrawn: {
    name: 'accepted_tasks_withdrawn_total',
    help: 'Tasks that were taken back: their clients were refused, since the answer of Redis got lost',
    labelNames: ['operation'],
  },
  ended: {
    name: 'accepted_tasks_ended_total',
    help: 'Tasks that ended; the reason of completed ones is empty',
    labelNames: ['operation', 'status', 'reason'],
  },
  attempts: {
    name: 'accepted_attempts_total',
    help: 'Attempts at tasks that workers began',
    labelNames: ['operation'],
  },
  retries: {
    name: 'accepted_retries_total',
    help: 'Attempts, and tries of undoing, that failed and are made again',
    labelNames: ['operation'],
  },
  losses: {
    name: 'accepted_losses_total',
    help: 'Attempts whose worker was lost',
    labelNames: ['operation'],
  },
  expired: {
    name: 'accepted_tasks_expired_total',
    help: 'Records that became tombstones: by age, by bytes (before their time, MAX_STORED_BYTES), by quota (before their time, for their own tenant) or deleted',
    labelNames: ['cause'],
  },
  callbacks: {
    name: 'accepted_callbacks_total',
    help: 'Deliveries of callbacks that are over: delivered or failed',
    labelNames: ['outcome'],
  },
  callback_attempts: {
    name: 'accepted_callback_attempts_total',
    help: 'Attempts at deliveries of callbacks',
    labelNames: [],
  },
}

const LANE_GAUGES = {
  waiting: 'Tasks, or callbacks, that wait for a slot of a lane',
  running: 'Tasks, or callbacks, that have a slot of a lane',
  slots: 'What the living workers run of a lane at once',
} as const

/**
 * The figures of the store as metrics of one scrape. While Redis is away these are `accepted_redis_up 0` alone, in an
 * outdated process `accepted_redis_up 1`.
 *
 * @param maxStoredBytes 0: any number
 */
export async function storeMetrics(
  read: () => Promise<StoreFigures>,
  maxStoredBytes: number,
): Promise<Registry> {
  const registry = new Registry()
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name, help, registers: [registry] }).set(value)
  const figures = await read().catch((error) => {
    if (error instanceof StoreUnavailable) return error
    throw error
  })
  const away = figures instanceof StoreUnavailable && !(figures instanceof NewerFormat)
  gauge('accepted_redis_up', 'Whether Redis answers', away ? 0 : 1)
  if (figures instanceof StoreUnavailable) return registry

  gauge('accepted_redis_memory_used_bytes', 'Memory that Redis uses (used_memory)', figures.redis.usedBytes)
  gauge('accepted_redis_memory_max_bytes', 'Its limit (maxmemory); 0: none', figures.redis.maxBytes)
  gauge(
    'accepted_stored_bytes',
    'What ended tasks and deliveries take, as MAX_STORED_BYTES counts it',
    figures.counters.get('stored') ?? 0,
  )
  gauge('accepted_stored_bytes_max', 'MAX_STORED_BYTES; 0: any number', maxStoredBytes)
  if (figures.tickAgeMs !== null) {
    gauge(
      'accepted_tick_age_seconds',
      'For how long no worker has looked after what is due; usually 0.1',
      figures.tickAgeMs / 1000,
    )
  }
  for (const [kind, help] of Object.entries(LANE_GAUGES) as [keyof typeof LANE_GAUGES, string][]) {
    const lanes = new Gauge({
      name: `accepted_lane_${kind}`,
      help,
      labelNames: ['lane'],
      registers: [registry],
    })
    for (const figuresOfLane of figures.lanes) lanes.set({ lane: figuresOfLane.lane }, figuresOfLane[kind])
  }
  addCounters(registry, figures.counters)
  return registry
}

function addCounters(registry: Registry, counters: ReadonlyMap<string, number>): void {
  const tasks = new Gauge({
    name: 'accepted_tasks',
    help: 'Tasks of which there is a record',
    labelNames: ['operation', 'status'],
    registers: [registry],
  })
  const metrics = new Map(
    Object.entries(COUNTERS).map(([kind, told]) => [kind, new Counter({ ...told, registers: [registry] })]),
  )
  for (const [name, value] of counters) {
    const [kind, ...words] = name.split(' ') as [string, ...string[]]
    if (kind === 'tasks') tasks.set({ operation: words[0]!, status: words[1]! }, value)
    const labels = COUNTERS[kind]?.labelNames.map((label, nth) => [label, words[nth]!])
    if (labels) metrics.get(kind)!.inc(Object.fromEntries(labels), value)
  }
}
