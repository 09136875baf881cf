import { Redis } from 'ioredis'
import type { Logger } from './log/log.ts'

/**
 * A connection for a process that must answer its own callers: every command settles within about a second, nothing is
 * queued while Redis is away, nothing is sent twice. docs/decisions tells the figures.
 */
export function connectForAnswers(url: string, log: Logger): Redis {
  return watched(
    new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      commandTimeout: 1_000,
      socketTimeout: 3_000,
      connectTimeout: 1_000,
      retryStrategy: (times) => Math.min(50 * 2 ** (times - 1), 500),
    }),
    log,
  )
}

/**
 * A connection for a process that waits for Redis as long as it takes. One on which nothing answers any more is made anew: what
 * BullMQ blocks for is answered within 10 s.
 */
export function connectForWork(url: string, log: Logger): Redis {
  return watched(
    new Redis(url, {
      maxRetriesPerRequest: null,
      socketTimeout: 15_000,
      connectTimeout: 2_000,
      retryStrategy: (times) => Math.min(50 * 2 ** (times - 1), 1_000),
    }),
    log,
  )
}

/**
 * A connection for `TaskWatch`, which subscribes again by itself when the connection is back. One that died without a word
 * is found out by TCP within some 15 s.
 */
export function connectForWatching(url: string, log: Logger): Redis {
  return watched(
    new Redis(url, {
      enableOfflineQueue: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      socketTimeout: 3_000,
      connectTimeout: 2_000,
      keepAlive: 5_000,
      retryStrategy: (times) => Math.min(50 * 2 ** (times - 1), 1_000),
    }),
    log,
  )
}

/** Says so, each time that it is there, if Redis may throw away what it was given to keep. */
export function warnOfEviction(redis: Redis, log: Logger): void {
  const look = async () => {
    try {
      const [, policy] = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory')) ?? []
      if (policy && policy !== 'noeviction') {
        log.error({ policy }, 'Redis may throw away accepted tasks: its maxmemory-policy is not noeviction')
      }
    } catch (error) {
      log.debug({ err: error }, 'Redis did not tell its maxmemory-policy')
    }
  }
  redis.on('ready', look)
}

/** Tells when Redis goes and comes, once each. */
function watched(redis: Redis, log: Logger): Redis {
  let away = false
  redis.on('error', (error) => {
    if (!away) log.error({ err: error }, 'Redis is away')
    away = true
  })
  redis.on('ready', () => {
    if (away) log.info('Redis is back')
    away = false
  })
  return redis
}
