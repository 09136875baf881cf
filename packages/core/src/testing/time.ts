import { composeScript, type Scripts } from '../store/scripts.ts'
import { withFormats } from './versions.ts'

/** Knows whatever format a test writes. */
const PASS_TIME = withFormats(composeScript(new URL('./pass-time.lua', import.meta.url)), {
  read: Number.MAX_SAFE_INTEGER,
  written: 0,
})

/**
 * Lets time pass without waiting for it: moves all that the first shard keeps, and the secrets, into the past. Nothing becomes due
 * by itself: tick, or read.
 *
 * @param ms whole seconds, since tombstones die by the second
 * @param watched as if somebody had ticked all the while, with nothing to do; else leases get a whole term more at the next
 *   tick, as after every time in which nobody ticked
 */
export async function passTime(
  { redis, scripts }: { redis: Scripts['redis']; scripts: Scripts },
  ms: number,
  { watched = false } = {},
): Promise<void> {
  if (ms % 1000 !== 0) throw new TypeError('whole seconds only')
  const prefix = scripts.prefixOf(0)
  await redis.eval(PASS_TIME, 1, scripts.secretsPrefix, ms)
  const [now] = (await redis.eval(PASS_TIME, 1, prefix, ms)) as [number]
  if (watched) await redis.hset(`${prefix}upkeep`, 'ticked', now)
}
