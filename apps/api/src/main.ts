import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import {
  ApiSettings,
  connectForAnswers,
  connectForWatching,
  createLog,
  NameResolver,
  openSealer,
  readSettings,
  runProcess,
  SettingsError,
  warnOfEviction,
} from '@accepted/core'
import { loadContracts } from '@accepted/operations'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { buildApp } from './app.ts'
import { authFaults } from './auth/auth-settings.ts'
import { listenAlso } from './connections/listen-also.ts'

/** Long enough for the requests that are under way. */
const STOP_WITHIN_MS = 10_000

// V8 would put what requests are made of among what is old, by chance: garbage there keeps all that it leads to until the heap
// is full, and every request costs half as much again (docs/decisions/029-no-pretenuring.md).
setFlagsFromString('--no-allocation-site-pretenuring')

await runProcess(async () => {
  const settings = readSettings(ApiSettings, process.env)
  if (process.env.NODE_ENV === 'production' && !settings.PUBLIC_URL) {
    throw new SettingsError(['PUBLIC_URL: is required with NODE_ENV=production'])
  }
  if (settings.RETRY_AFTER_MIN > settings.RETRY_AFTER_MAX) {
    throw new SettingsError([`RETRY_AFTER_MIN=${settings.RETRY_AFTER_MIN}: is more than RETRY_AFTER_MAX`])
  }
  const faults = authFaults(settings)
  if (faults.length > 0) throw new SettingsError(faults)
  const sealer = await openSealer(settings, 'make')
  const log = createLog('api', settings.LOG_LEVEL)
  if (settings.AUTH === 'none') {
    log.warn(
      { host: settings.HOST },
      'AUTH=none: nobody is asked for a key; whatever runs on this machine can do anything here',
    )
  }
  if (!sealer) log.warn('neither SECRETS_KEY nor SECRETS_KEY_FILE is set: no callbacks are sent')
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  const redis = connectForAnswers(settings.REDIS_URL, log)
  warnOfEviction(redis, log)
  const subscriber = connectForWatching(settings.REDIS_URL, log)
  const names = new NameResolver()
  let listening = ''
  const publicUrl = () => settings.PUBLIC_URL ?? listening
  const contracts = await loadContracts()
  const processMetrics = new Registry()
  collectDefaultMetrics({ register: processMetrics })
  const app = await buildApp({
    settings,
    contracts,
    redis,
    subscriber,
    publicUrl,
    version,
    sealer,
    names,
    log,
    processMetrics,
  })
  const { HOST, PORT } = settings
  try {
    await app.listen({ host: HOST, port: PORT })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') throw new SettingsError([`PORT=${PORT}: is in use on ${HOST}`])
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new SettingsError([`HOST=${HOST}: is not an address of this machine`])
    throw error
  }
  const allOfHost = HOST === 'localhost' ? await lookup(HOST, { all: true }) : []
  const others = await listenAlso(
    app.server,
    allOfHost.map(({ address }) => address),
  )
  const address = app.server.address()
  const port = typeof address === 'object' && address ? address.port : PORT
  listening = `http://${isIPv6(HOST) ? `[${HOST}]` : HOST}:${port}`
  log.info({ url: listening }, 'listening')
  return {
    log,
    ready: Promise.resolve({ kind: 'listening' as const, url: listening }),
    stopWithinMs: STOP_WITHIN_MS,
    async stop() {
      for (const other of others) other.close()
      await app.close()
      names.close()
      redis.disconnect()
      subscriber.disconnect()
    },
  }
})
