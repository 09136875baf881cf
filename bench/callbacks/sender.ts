import { randomBytes } from 'node:crypto'
import { type Measured, startProcess } from '../processes.ts'

/** Most seconds of an attempt: less than the 15 of the product, so that a run takes less than three minutes. */
export const TIMEOUT_SECONDS = 2

/** Starts a worker, as it is delivered, that may send to loopback. */
export function startSender(
  redisUrl: string,
  prefix: string,
  settings: Record<string, string> = {},
): Promise<Measured> {
  return startProcess('apps/worker/src/main.ts', {
    REDIS_URL: redisUrl,
    KEY_PREFIX: prefix,
    SECRETS_KEY: randomBytes(32).toString('hex'),
    CALLBACK_ALLOW_CIDRS: '127.0.0.0/8',
    CALLBACK_TIMEOUT_SECONDS: String(TIMEOUT_SECONDS),
    CAR_STEP_MS: '0',
    SHUTDOWN_GRACE_SECONDS: '0',
    ...settings,
  })
}
