import { readFile } from 'node:fs/promises'
import {
  connectForWork,
  createLog,
  openSealer,
  readSettings,
  runProcess,
  WorkerSettings,
  warnOfEviction,
} from '@accepted/core'
import { loadHandlers } from '@accepted/operations'
import { saneError } from './sane-error.ts'
import { startWatchdog } from './watchdog.ts'
import { startWorker } from './worker.ts'

await runProcess(async () => {
  const settings = readSettings(WorkerSettings, process.env)
  const sealer = await openSealer(settings, 'make')
  const log = createLog('worker', settings.LOG_LEVEL)
  if (!sealer) log.warn('neither SECRETS_KEY nor SECRETS_KEY_FILE is set: no callbacks are sent')
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  const operations = await loadHandlers()
  const redis = connectForWork(settings.REDIS_URL, log)
  warnOfEviction(redis, log)
  const subscriber = connectForWork(settings.REDIS_URL, log)
  const worker = startWorker({
    settings,
    operations,
    redis,
    subscriber,
    sealer,
    version,
    environment: process.env,
    log,
  })
  // A promise that a handler forgot is that handler's fault; its neighbours go on.
  process.on('unhandledRejection', (error) =>
    log.error({ err: saneError(error) }, 'a rejection that nobody handles'),
  )
  const stopWatchdog = startWatchdog(settings.WATCHDOG_SECONDS * 1000)
  return {
    log,
    ready: worker.ready.then(() => ({ kind: 'ready' as const })),
    outdated: worker.outdated,
    // What is beyond the grace is a Redis that is away.
    stopWithinMs: settings.SHUTDOWN_GRACE_SECONDS * 1000 + 3_000,
    async stop() {
      await worker.stop()
      await stopWatchdog()
      redis.disconnect()
      subscriber.disconnect()
    },
  }
})
