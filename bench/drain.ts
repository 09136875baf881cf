import { connectForWork, createLog, LaneJobs, Scripts, Submissions, TenantLimits } from '@accepted/core'
import { scriptsOfPlainQueue } from '@accepted/core/testing'
import { startProcess } from './processes.ts'
import { submissionOf } from './submission.ts'

/** No-op tasks that are drained. */
export interface Backlog {
  tasks: number
  /** Whose they are, in turn. */
  tenants: readonly string[]
  /** Whether all of them wait in one flow, whosever they are. */
  isPlain?: boolean
  /** What operators set for each of them, the nth from 0. */
  limitsOf?: (nth: number) => { running: number; weight: number }
}

/** Tasks per second that one of our workers runs of a backlog, at concurrency 50. */
export async function drainTasks(
  redisUrl: string,
  prefix: string,
  { tasks, tenants, isPlain = false, limitsOf }: Backlog,
): Promise<number> {
  const log = createLog('bench', 'warn')
  const redis = connectForWork(redisUrl, log)
  const jobs = new LaneJobs(redis, prefix, log)
  const scripts = new Scripts(redis, prefix, jobs, 1, isPlain ? scriptsOfPlainQueue() : undefined)
  const base = scripts.prefixOf(0)
  const submissions = new Submissions(scripts)
  const limits = new TenantLimits(scripts)
  if (limitsOf) await Promise.all(tenants.map((tenant, nth) => limits.set(tenant, limitsOf(nth))))
  for (let n = 0; n < tasks; n += 250) {
    const tenantOf = (m: number) => tenants[(n + m) % tenants.length]!
    await Promise.all(
      Array.from({ length: 250 }, (_, m) =>
        submissions.create(submissionOf('bench.noop', { tenant: tenantOf(m) })),
      ),
    )
  }
  await jobs.close()
  const environment = { REDIS_URL: redisUrl, KEY_PREFIX: prefix }
  return drained('bench/noop-worker.ts', environment, tasks, async () => {
    const waiting = await redis.hget(`${base}lane:bench.noop`, 'waiting')
    return waiting === '0' && (await redis.exists(`${base}running:bench.noop`)) === 0
  }).finally(() => redis.disconnect())
}

/** Tasks per second from the moment that a worker is up until nothing is left. */
export async function drained(
  script: string,
  environment: Record<string, string>,
  tasks: number,
  empty: () => Promise<boolean>,
): Promise<number> {
  const worker = await startProcess(script, environment)
  const start = performance.now()
  worker.child.send('go')
  while (!(await empty())) await new Promise((resolve) => setTimeout(resolve, 5))
  const seconds = (performance.now() - start) / 1000
  await worker.end()
  return tasks / seconds
}
