import { randomUUID } from 'node:crypto'
import { isEnded } from '@accepted/contract'
import {
  CALLBACK_LANE,
  type Callback,
  connectForWork,
  createLog,
  Deliveries,
  LaneJobs,
  limitsOf,
  Scripts,
  Sealer,
  Submissions,
  TaskControl,
  TaskReader,
  TenantSecrets,
} from '@accepted/core'
import { loadContracts } from '@accepted/operations'
import type { EndedTask } from './judge.ts'

const TENANT = 'default'
const RETENTION_MS = 86_400_000
const MUSTANG = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
const EVENTS = ['started', 'progress', 'completed', 'failed', 'canceled'] as const

/** The store that a soak is run on, as clients use it. */
export interface SoakedStore {
  scripts: Scripts
  /** What its callbacks are signed with. */
  secret(key: Buffer): Promise<string>
  /** Starts a task that completes, unless it is canceled; resolves to its id. */
  build(url: string): Promise<string>
  /** Starts one that fails. */
  reserveNoCar(url: string): Promise<string>
  cancel(taskId: string): Promise<void>
  /** The task, once it has ended and all its callbacks are over; else null. */
  settled(taskId: string): Promise<EndedTask | null>
  /** What workers hold now, and what waits for its time. */
  timers(): Promise<{ posting: Set<string>; tasks: number; due: number }>
  /** How many tasks and callbacks wait for their turn. */
  waiting(): Promise<{ tasks: number; callbacks: number }>
  close(): Promise<void>
}

export async function soakedStore(redisUrl: string, prefix: string): Promise<SoakedStore> {
  const log = createLog('soak', 'silent')
  const redis = connectForWork(redisUrl, log)
  const jobs = new LaneJobs(redis, prefix, log)
  const scripts = new Scripts(redis, prefix, jobs)
  const submissions = new Submissions(scripts)
  const reader = new TaskReader(scripts)
  const deliveries = new Deliveries(scripts)
  const control = new TaskControl(scripts, RETENTION_MS, RETENTION_MS)
  const contracts = await loadContracts()
  const base = scripts.prefixOf(0)

  const start = async (operation: string, url: string, params: Record<string, string>, body: string) => {
    const contract = contracts.get(operation)!
    const { lane, steps } = contract
    const callback: Callback = { url, events: EVENTS, base: 'http://127.0.0.1' }
    const outcome = await submissions.create({
      tenant: TENANT,
      operation,
      lane,
      priority: 3,
      head: {
        resource: '/soak',
        verb: 'POST',
        header: {},
        params,
        steps,
        requestId: 'soak',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        callback,
      },
      body,
      limits: limitsOf(contract),
      maxBacklog: Number.MAX_SAFE_INTEGER,
      maxQueue: Number.POSITIVE_INFINITY,
    })
    if (outcome.outcome !== 'created') throw new Error(outcome.outcome)
    return outcome.task.taskId
  }

  return {
    scripts,
    async secret(key) {
      const [current] = await new TenantSecrets(scripts, new Sealer([key])).of(TENANT)
      return current!.secret
    },
    build: (url) => start('car.build', url, {}, MUSTANG),
    reserveNoCar: (url) => start('car.reserve', url, { car_id: randomUUID() }, '{}'),
    async cancel(taskId) {
      await control.cancel(TENANT, taskId)
    },
    async settled(taskId) {
      const [read, told] = await Promise.all([reader.read(TENANT, taskId), deliveries.of(TENANT, taskId)])
      if (read.outcome !== 'task' || told.outcome !== 'task') throw new Error(`${taskId} is lost`)
      const { status, startedMs } = read.task
      if (!isEnded(status) || told.deliveries.some((delivery) => delivery.status === 'pending')) return null
      const takes = await Promise.all(
        told.deliveries.map(({ deliveryId }) => redis.hget(`${base}dlv:${deliveryId}`, 'token')),
      )
      return {
        taskId,
        status,
        wasStarted: startedMs !== null,
        deliveries: told.deliveries.map((delivery, at) => ({ ...delivery, takes: Number(takes[at]) })),
      }
    },
    async timers() {
      // Whatever a process that is gone had sent has been read before.
      await redis.ping()
      const timers = await redis.zrange(`${base}timers`, '0', '-1')
      const of = (kind: string) => timers.filter((timer) => timer.startsWith(`${kind}:`))
      const posting = new Set(of('posting').map((timer) => timer.slice('posting:'.length)))
      return { posting, tasks: of('lease').length + of('retry').length, due: of('due').length }
    },
    async waiting() {
      const of = async (lane: string) => Number(await redis.hget(`${base}lane:${lane}`, 'waiting'))
      return { tasks: await of('car.build'), callbacks: await of(CALLBACK_LANE) }
    },
    async close() {
      await jobs.close()
      redis.disconnect()
    },
  }
}
