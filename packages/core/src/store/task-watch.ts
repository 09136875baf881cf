import type { Redis } from 'ioredis'
import { shardOfId } from '../ids.ts'
import type { Logger } from '../log/log.ts'
import { isOutage, StoreUnavailable } from './outage.ts'
import type { ReadOutcome, TaskReader } from './reader.ts'
import type { Scripts } from './scripts.ts'
import { Turns } from './turns.ts'

/** When a read that failed is tried again, unless a change comes before. */
const RETRY_MS = 500

/** How many are told of a change in one turn of the event loop: thousands at once would let nobody else be served. */
const TOLD_AT_ONCE = 50

/** Who watches a task, and whether Redis has confirmed the subscription at least once. */
interface Watched {
  wakers: Set<() => void>
  subscribed: boolean
}

/**
 * Hears of changes of tasks and reads them: one connection a process, one subscription a watched task, however many watch
 * it. What Redis says is only that there is a new version; the task is read once for all who heard of it at once.
 */
export class TaskWatch {
  readonly #subscriber: Redis
  readonly #scripts: Scripts
  readonly #reader: TaskReader
  readonly #log: Logger
  /** By channel. */
  readonly #watched = new Map<string, Watched>()
  readonly #turns = new Turns(TOLD_AT_ONCE)
  readonly #reading = new Map<string, Promise<ReadOutcome>>()

  /** @param subscriber a connection of its own (`connectForWatching`); the caller closes it */
  constructor(subscriber: Redis, scripts: Scripts, reader: TaskReader, log: Logger) {
    this.#subscriber = subscriber
    this.#scripts = scripts
    this.#reader = reader
    this.#log = log
    subscriber.on('message', (channel) => this.#wake(channel))
    // What was announced while the connection was away is lost: every watched task may have changed.
    subscriber.on('ready', () => this.#subscribe([...this.#watched.keys()]))
  }

  /**
   * Reads a task as soon as its subscription holds, then after changes, until the signal fires. Changes that come while
   * the caller is busy are told as one; the last is never lost. While Redis is away nothing is told.
   */
  async *follow(tenant: string, taskId: string, signal: AbortSignal): AsyncGenerator<ReadOutcome, void> {
    if (signal.aborted) return
    const turnstile = new Turnstile()
    const leave = this.#join(this.#channelOf(taskId), turnstile.open)
    signal.addEventListener('abort', turnstile.open, { once: true })
    let retry: NodeJS.Timeout | undefined
    try {
      while (true) {
        await turnstile.pass()
        if (signal.aborted) return
        clearTimeout(retry)
        const outcome = await this.#read(tenant, taskId)
        await this.#turns.mine()
        if (signal.aborted) return
        if (outcome) yield outcome
        // Without a connection there is nothing to try: all are woken when it is back.
        else if (this.#connected) retry = setTimeout(turnstile.open, RETRY_MS)
      }
    } finally {
      clearTimeout(retry)
      signal.removeEventListener('abort', turnstile.open)
      leave()
    }
  }

  #channelOf(taskId: string): string {
    return `${this.#scripts.prefixOf(shardOfId(taskId))}task:${taskId}`
  }

  /** Adds a watcher, who is woken once the subscription holds; returns what takes it away again. */
  #join(channel: string, wake: () => void): () => void {
    let watched = this.#watched.get(channel)
    if (!watched) {
      watched = { wakers: new Set(), subscribed: false }
      this.#watched.set(channel, watched)
      if (this.#connected) this.#subscribe([channel])
    }
    const { wakers } = watched
    wakers.add(wake)
    if (watched.subscribed) wake()
    return () => {
      wakers.delete(wake)
      if (wakers.size > 0) return
      this.#watched.delete(channel)
      if (this.#connected) this.#settle(this.#subscriber.unsubscribe(channel))
    }
  }

  #subscribe(channels: string[]): void {
    if (channels.length === 0) return
    const confirmed = this.#subscriber.subscribe(...channels).then(() => {
      for (const channel of channels) this.#wake(channel)
    })
    this.#settle(confirmed)
  }

  #wake(channel: string): void {
    const watched = this.#watched.get(channel)
    if (!watched) return
    watched.subscribed = true
    for (const wake of watched.wakers) wake()
  }

  get #connected(): boolean {
    return this.#subscriber.status === 'ready'
  }

  #settle(asked: Promise<unknown>): void {
    asked.catch((error) => {
      // When the connection is back, what is watched then is subscribed, and nothing else.
      if (!isOutage(error)) this.#log.error({ err: error }, 'a task cannot be watched')
    })
  }

  /** The task as it is now, null if Redis cannot tell; those who ask in one turn of the event loop share the read. */
  #read(tenant: string, taskId: string): Promise<ReadOutcome | null> {
    const key = `${tenant} ${taskId}`
    let reading = this.#reading.get(key)
    if (!reading) {
      reading = this.#reader.read(tenant, taskId)
      this.#reading.set(key, reading)
      // By then it was sent, and may be too old for who asks next.
      setImmediate(() => this.#reading.delete(key))
    }
    return reading.catch((error) => {
      if (error instanceof StoreUnavailable) return null
      throw error
    })
  }
}

/** Lets one pass for any number of times that it was opened since the last. */
class Turnstile {
  #isOpen = false
  #wake: (() => void) | undefined

  readonly open = (): void => {
    this.#isOpen = true
    this.#wake?.()
  }

  async pass(): Promise<void> {
    if (!this.#isOpen) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#isOpen = false
  }
}
