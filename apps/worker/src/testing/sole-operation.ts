import { connectForWork, createLog, readSettings, WorkerSettings } from '@accepted/core'
import type { HandledOperation } from '@accepted/operations'
import { type RunningWorker, startWorker } from '../worker.ts'

/**
 * Makes ready what a worker process needs whose only operation is this one, by the environment of the process; the worker
 * itself starts when `start` is called.
 *
 * @param settings in place of those of the environment
 * @param level of its log
 */
export function soleOperation(
  operation: HandledOperation,
  { settings: own = {}, level = 'warn' }: { settings?: Record<string, string>; level?: 'info' | 'warn' } = {},
): { settings: WorkerSettings; start: () => RunningWorker } {
  const environment = { ...process.env, ...own }
  const settings = readSettings(WorkerSettings, environment)
  const log = createLog('worker', level)
  const redis = connectForWork(settings.REDIS_URL, log)
  const subscriber = connectForWork(settings.REDIS_URL, log)
  const operations = new Map([[operation.contract.name, operation]])
  const deps = { settings, operations, redis, subscriber, sealer: undefined, version: '0', environment, log }
  return { settings, start: () => startWorker(deps) }
}
