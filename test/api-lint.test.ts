import { buildApp } from '@accepted/api/app'
import { ApiSettings, connectForAnswers, connectForWatching, createLog, NameResolver, readSettings } from '@accepted/core'
import { freshPrefix } from '@accepted/core/testing'
import { loadContracts } from '@accepted/operations'
import { inject, test } from 'vitest'
import { writeFileSync } from 'node:fs'
import { lint, inWords } from './api-lint/lint.ts'

test('x', async () => {
  const settings = readSettings(ApiSettings, { REDIS_URL: inject('redisUrl'), KEY_PREFIX: freshPrefix(), OIDC_ISSUER: 'https://issuer.example', OIDC_AUDIENCE: 'x' })
  const log = createLog('api', 'silent')
  const redis = connectForAnswers(settings.REDIS_URL, log)
  const subscriber = connectForWatching(settings.REDIS_URL, log)
  const app = await buildApp({ settings, contracts: await loadContracts(), redis, subscriber,
    publicUrl: () => 'https://api.accepted.example', version: '1.2.3', sealer: undefined, names: new NameResolver({ hosts: '' }), log })
  const document = (await app.inject('/openapi.json')).json()
  writeFileSync('/tmp/s6/lint-tmp/openapi.json', JSON.stringify(document, null, 1))
  const start = performance.now()
  const problems = await lint(document, [])
  console.log(performance.now() - start)
  writeFileSync('/tmp/s6/lint-tmp/problems.txt', inWords(problems).join('\n'))
  const count: Record<string, number> = {}
  for (const p of problems) count[String(p.rule)] = (count[String(p.rule)] ?? 0) + 1
  console.log(count)
  await app.close(); redis.disconnect(); subscriber.disconnect()
})
