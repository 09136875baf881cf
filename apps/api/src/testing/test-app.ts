import { randomBytes } from 'node:crypto'
import {
  ApiKeys,
  ApiSettings,
  connectForAnswers,
  connectForWatching,
  createLog,
  NameResolver,
  openSealer,
  readSettings,
  Scripts,
} from '@accepted/core'
import { freshPrefix } from '@accepted/core/testing'
import { loadContracts } from '@accepted/operations'
import { inject, onTestFinished } from 'vitest'
import { type ApiDependencies, buildApp } from '../app.ts'
import { checkedInject } from './checked-requests.ts'

/** Nobody answers there: no test depends on the DNS of its machine. */
const NO_DNS = '127.0.0.1:1'

/**
 * An API under a key prefix of its own, to be asked by `ask`, which checks every answer against the API's own description;
 * gone when the test is over. Callbacks may go to loopback. Nobody is asked for a key, unless `AUTH` is given.
 *
 * @param names none resolves, if it is not given
 */
export async function testApp(
  environment: Record<string, string> = {},
  {
    streamLimits = {},
    connectionLimits = {},
    names = new NameResolver({ servers: [NO_DNS], hosts: '' }),
    probes,
  }: Partial<Pick<ApiDependencies, 'streamLimits' | 'connectionLimits' | 'names' | 'probes'>> = {},
) {
  const log = createLog('api', 'silent')
  const prefix = freshPrefix()
  const settings = readSettings(ApiSettings, {
    REDIS_URL: inject('redisUrl'),
    KEY_PREFIX: prefix,
    SECRETS_KEY: randomBytes(32).toString('hex'),
    CALLBACK_ALLOW_CIDRS: '127.0.0.0/8,::1/128',
    AUTH: 'none',
    // A machine that is busy with other tests must not change what is answered.
    SHED_LOOP_DELAY_MS: '0',
    SHED_MEMORY_SHARE: '1',
    ...environment,
  })
  const redis = connectForAnswers(settings.REDIS_URL, log)
  const subscriber = connectForWatching(settings.REDIS_URL, log)
  const publicUrl = () => settings.PUBLIC_URL ?? 'http://accepted.test'
  const app = await buildApp({
    settings,
    contracts: await loadContracts(),
    redis,
    subscriber,
    publicUrl,
    version: '0.0.0',
    sealer: await openSealer(settings, 'do without'),
    names,
    log,
    streamLimits,
    ...(probes ? { probes } : {}),
    connectionLimits,
  })
  onTestFinished(async () => {
    await app.close()
    names.close()
    if (redis.status === 'ready') {
      for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1000 })) {
        if (keys.length > 0) await redis.unlink(keys)
      }
    }
    redis.disconnect()
    subscriber.disconnect()
  })
  if (settings.REDIS_URL === inject('redisUrl')) {
    await new Promise<void>((resolve) => {
      if (redis.status === 'ready') resolve()
      else redis.once('ready', () => resolve())
    })
  }
  return {
    app,
    ask: await checkedInject(app),
    redis,
    prefix,
    keys: new ApiKeys(new Scripts(redis, prefix, null)),
  }
}

/** A car that is in order. */
export const MUSTANG = { brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }
