import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ending, type LocalRedis, startLocalRedis } from '@accepted/local-redis'
import type { Running } from './keep-running.ts'

/**
 * Launches the private Redis, with its data in `dataDir`/redis, and keeps its address in the file `dataDir`/redis.url
 * for as long as it is meant to run.
 */
export function launchPrivateRedis(
  dataDir: string,
  port: number | undefined,
  say: (words: string) => void,
): Running<LocalRedis> {
  const addressFile = join(dataDir, 'redis.url')
  const starting = new AbortController()
  const ready = startLocalRedis({
    dataDir: join(dataDir, 'redis'),
    ...(port !== undefined && { port }),
    say,
    signal: starting.signal,
  }).then(async (redis) => {
    await writeFile(addressFile, `${redis.url}\n`)
    return redis
  })
  const neverStarted: Ending = { code: 1, signal: null }
  const stop = async () => {
    starting.abort()
    const redis = await ready.catch(() => undefined)
    if (!redis) return
    await redis.stop()
    await rm(addressFile, { force: true })
  }
  return {
    ready,
    exited: ready.then(
      (redis) => redis.exited,
      () => neverStarted,
    ),
    stop,
    kill: () => void stop(), // an orderly end costs it a tenth of a second, and it has data to keep
  }
}
