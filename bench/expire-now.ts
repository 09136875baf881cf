import type { Redis } from 'ioredis'

/** Moves all lists of expiry far into the past, so that the next ticks sweep them: their records have to be over already. */
export async function expireNow(redis: Redis, prefix: string): Promise<void> {
  const LONG_AGO_MINUTES = 100_000
  const moves = redis.multi()
  for (const minute of await redis.zrange(`${prefix}expiring`, '0', '-1')) {
    const before = Number(minute) - LONG_AGO_MINUTES
    moves.rename(`${prefix}expire:${minute}`, `${prefix}expire:${before}`)
    moves.zrem(`${prefix}expiring`, minute).zadd(`${prefix}expiring`, before, before)
  }
  await moves.exec()
}
