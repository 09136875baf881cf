import { buildApp } from '@accepted/api/app'
import type { OpenapiDocument } from '@accepted/api/testing'
import {
  ApiSettings,
  connectForAnswers,
  connectForWatching,
  createLog,
  NameResolver,
  readSettings,
} from '@accepted/core'
import { freshPrefix } from '@accepted/core/testing'
import { loadContracts } from '@accepted/operations'
import { inject } from 'vitest'

/** The API as it is built with these settings, and its description; to be closed. */
export async function describedApp(environment: Record<string, string> = {}) {
  const settings = readSettings(ApiSettings, {
    REDIS_URL: inject('redisUrl'),
    KEY_PREFIX: freshPrefix(),
    PUBLIC_URL: 'https://api.accepted.example',
    // A machine that is busy with other tests must not change what is answered.
    SHED_LOOP_DELAY_MS: '0',
    ...environment,
  })
  const log = createLog('api', 'silent')
  const redis = connectForAnswers(settings.REDIS_URL, log)
  const subscriber = connectForWatching(settings.REDIS_URL, log)
  const app = await buildApp({
    settings,
    contracts: await loadContracts(),
    redis,
    subscriber,
    publicUrl: () => settings.PUBLIC_URL!,
    version: '1.2.3',
    sealer: undefined,
    names: new NameResolver({ hosts: '' }),
    log,
  })
  app.addHook('onClose', async () => {
    redis.disconnect()
    subscriber.disconnect()
  })
  const document = (await app.inject('/openapi.json')).json() as OpenapiDocument
  return { app, document }
}
