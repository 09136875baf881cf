import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from './log/log.ts'

const LARGEST_BATCH = 500

/** The prefix of all keys of a shard, with their common hash tag. */
export function shardPrefix(prefix: string, shard: number): string {
  return `${prefix}:{${shard}}:`
}

/** Where BullMQ keeps the jobs of a shard's lanes: all in the shard's hash tag. */
export function bullPrefix(shardPrefix: string): string {
  return `${shardPrefix}bull`
}

/**
 * Adds BullMQ jobs to lanes. A job names no task: it is the right to run one. So one that is not added is made good by
 * the ticker, and one too many finds nothing and is dropped.
 */
export class LaneJobs {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #log: Logger
  readonly #queues = new Map<string, Queue>()
  readonly #wanted = new Map<Queue, number>()
  #adding = Promise.resolve()

  /** @param prefix what every key begins with */
  constructor(redis: Redis, prefix: string, log: Logger) {
    this.#redis = redis
    this.#prefix = prefix
    this.#log = log
  }

  /** Asks for jobs; those of one turn of the event loop are added together. Never throws: see the class. */
  add(shard: number, lane: string, count: number): void {
    if (count <= 0) return
    const queue = this.#queue(shard, lane)
    if (this.#wanted.size === 0) setImmediate(() => this.#flush())
    this.#wanted.set(queue, (this.#wanted.get(queue) ?? 0) + count)
  }

  /** Jobs that no worker has taken yet. */
  async waiting(shard: number, lane: string): Promise<number> {
    return this.#queue(shard, lane).getJobCountByTypes('wait')
  }

  /** Waits until the jobs asked for are added, then closes. */
  async close(): Promise<void> {
    this.#flush()
    await this.#adding
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()))
  }

  #flush(): void {
    const wanted = [...this.#wanted]
    this.#wanted.clear()
    const added = wanted.map(([queue, count]) => this.#addTo(queue, count))
    this.#adding = Promise.all([this.#adding, ...added]).then(() => undefined)
  }

  async #addTo(queue: Queue, count: number): Promise<void> {
    try {
      for (let left = count; left > 0; left -= LARGEST_BATCH) {
        await queue.addBulk(
          Array.from({ length: Math.min(left, LARGEST_BATCH) }, () => ({ name: 'run', data: 0 })),
        )
      }
    } catch (error) {
      this.#log.warn(
        { err: error, lane: queue.name, count },
        'jobs were not added; the ticker will make them good',
      )
    }
  }

  #queue(shard: number, lane: string): Queue {
    const key = `${shard} ${lane}`
    const known = this.#queues.get(key)
    if (known) return known
    const queue = new Queue(lane, {
      connection: this.#redis,
      prefix: bullPrefix(shardPrefix(this.#prefix, shard)),
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
      skipWaitingForReady: true,
      skipVersionCheck: true,
      skipMetasUpdate: true,
    })
    // Outages are told by the commands that they fail.
    queue.on('error', (error) => this.#log.debug({ err: error, lane }, 'BullMQ queue error'))
    this.#queues.set(key, queue)
    return queue
  }
}
