import { writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { redeliverCallbacks } from '@accepted/contract'
import {
  bullPrefix,
  CALLBACK_LANE,
  Deliveries,
  LaneJobs,
  type Logger,
  listenForCancels,
  type NewerFormat,
  newId,
  Scripts,
  type Sealer,
  Upkeep,
  Work,
  type WorkerSettings,
} from '@accepted/core'
import { type HandledOperation, resourceSpace } from '@accepted/operations'
import { Worker as BullWorker } from 'bullmq'
import type { Redis } from 'ioredis'
import { recoveryOperation } from './callbacks/recovery.ts'
import { createDeliverer, readCallbackTerms } from './callbacks/setup.ts'
import { TaskRunner } from './task-runner.ts'
import { Ticker } from './ticker.ts'

/** What a worker is made of. */
export interface WorkerDependencies {
  settings: WorkerSettings
  /** Those of the folders; the one that comes with the house is added. */
  operations: Map<string, HandledOperation>
  /** Waits for Redis as long as it takes (`connectForWork`); the caller closes it. */
  redis: Redis
  /** Another such connection, to be told things on; the caller closes it. */
  subscriber: Redis
  /** Opens the secrets that sign callbacks; undefined: there is no key of them, and none are sent. */
  sealer: Sealer | undefined
  /** Of this software, as receivers are told it. */
  version: string
  environment: Record<string, string | undefined>
  log: Logger
}

/** A worker that runs. */
export interface RunningWorker {
  /** Resolves when every lane is fetched from. */
  ready: Promise<void>
  /**
   * Resolves when what stands in Redis turns out to be too new for this program: it can write nothing more, nor give back what
   * it has, which others take over as if it had died.
   */
  outdated: Promise<NewerFormat>
  /** Takes nothing new, lets what runs go on for the grace, gives the rest back to its flows. */
  stop(): Promise<void>
}

/**
 * Starts a worker: one BullMQ worker a lane and shard, one runner of tasks, one deliverer of callbacks, one ticker.
 *
 * @throws {SettingsError} if the settings of callbacks, or an operation's own, are faulty
 */
export function startWorker(deps: WorkerDependencies): RunningWorker {
  const { settings, redis, subscriber, sealer, version, environment, log } = deps
  const jobs = new LaneJobs(redis, settings.KEY_PREFIX, log)
  const scripts = new Scripts(redis, settings.KEY_PREFIX, jobs)
  const operations = new Map(deps.operations).set(
    redeliverCallbacks.name,
    recoveryOperation(new Deliveries(scripts)),
  )
  const work = new Work(scripts, settings.RETENTION_SECONDS * 1000)
  const resourcesOf = (tenant: string) => resourceSpace(redis, settings.KEY_PREFIX, tenant)
  const runner = new TaskRunner({ work, operations, resourcesOf, environment, log, random: Math.random })
  const callbacks = readCallbackTerms(settings)
  const deliverer = createDeliverer(settings, callbacks, scripts, sealer, version, log)
  const taskLanes = new Set([...operations.values()].map(({ contract }) => contract.lane))
  const slots = {
    ...Object.fromEntries([...taskLanes].map((lane) => [lane, settings.WORKER_CONCURRENCY])),
    [CALLBACK_LANE]: settings.CALLBACK_CONCURRENCY,
  }
  const { promise: outdated, resolve: foundOutdated } = Promise.withResolvers<NewerFormat>()
  const ticker = new Ticker(new Upkeep(scripts, jobs), {
    shards: scripts.shards,
    slots,
    endpointCap: settings.CALLBACK_ENDPOINT_CONCURRENCY,
    tenantCap: settings.TENANT_RUNNING,
    terms: {
      tombstoneMs: settings.TOMBSTONE_SECONDS * 1000,
      retentionMs: settings.RETENTION_SECONDS * 1000,
      maxStoredBytes: Math.ceil(settings.MAX_STORED_BYTES / scripts.shards),
    },
    renew: () => runner.renew(),
    beat: async () => {
      if (settings.HEARTBEAT_FILE) await writeFile(settings.HEARTBEAT_FILE, '')
    },
    outdated: foundOutdated,
    worker: newId(),
    log,
  })

  const listening = listenForCancels(subscriber, scripts, (taskId) => runner.cancel(taskId))

  let stopping = false
  const fetcherOf = (lane: string, shard: number, concurrency: number) => {
    const next = () => (lane === CALLBACK_LANE ? deliverer.deliverNext(shard) : runner.runNext(shard, lane))
    const fetcher = new BullWorker(
      lane,
      async () => {
        while (!stopping && (await next()));
        // Something may be left that this job had the right to run.
        if (stopping) jobs.add(shard, lane, 1)
      },
      {
        connection: redis,
        prefix: bullPrefix(scripts.prefixOf(shard)),
        concurrency,
        // A job that comes again does no harm: it is a right, and losses are told by leases.
        maxStalledCount: 1e9,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
        skipVersionCheck: true,
      },
    )
    fetcher.on('error', (error) => log.debug({ err: error, lane }, 'BullMQ worker error'))
    fetcher.on('failed', (job, error) =>
      log.error({ err: error, lane, job: job?.id }, 'a job failed unexpectedly'),
    )
    return fetcher
  }
  const fetchers = Object.entries(slots).flatMap(([lane, concurrency]) =>
    Array.from({ length: scripts.shards }, (_, shard) => fetcherOf(lane, shard, concurrency)),
  )
  ticker.start()
  log.info({ slots }, 'worker started')

  return {
    ready: Promise.all([listening, ...fetchers.map((fetcher) => fetcher.waitUntilReady())]).then(
      () => undefined,
    ),
    outdated,
    async stop() {
      stopping = true
      // There is nothing to give back and nobody to tell: BullMQ would wait for Redis.
      if (runner.idle && deliverer.idle && redis.status !== 'ready') return
      const grace = new AbortController()
      const closing = Promise.all(fetchers.map((fetcher) => fetcher.close()))
      const graceOver = pause(settings.SHUTDOWN_GRACE_SECONDS * 1000, undefined, {
        signal: grace.signal,
      }).then(
        () => {
          runner.stop()
          deliverer.stop()
        },
        () => undefined,
      )
      await closing
      grace.abort()
      await graceOver
      await callbacks.agent.close()
      callbacks.names.close()
      await ticker.stop()
      await jobs.close()
      log.info('worker stopped')
    },
  }
}
