import { connectForWork, createLog, LaneJobs, Scripts, Submissions } from '@accepted/core'
import { bounded, type Figure } from './figures.ts'
import { startProcess } from './processes.ts'
import { submissionOf } from './submission.ts'

const TASKS = 1_000
const AT_ONCE = 50

/** From the moment that a client asks to cancel a running task until its handler's signal fires, in another process. */
export async function cancel(redisUrl: string): Promise<Figure[]> {
  const environment = {
    REDIS_URL: redisUrl,
    PORT: '0',
    KEY_PREFIX: 'bench-cancel',
    SHUTDOWN_GRACE_SECONDS: '0',
  }
  const api = await startProcess('apps/api/src/main.ts', environment)
  const worker = await startProcess('bench/endless-worker.ts', environment)
  const log = createLog('bench', 'warn')
  const redis = connectForWork(redisUrl, log)
  const jobs = new LaneJobs(redis, environment.KEY_PREFIX, log)
  const scripts = new Scripts(redis, environment.KEY_PREFIX, jobs)
  const submissions = new Submissions(scripts)

  const asked = new Map<string, number>()
  const took: number[] = []
  const done = Promise.withResolvers<void>()
  const start = () => submissions.create(submissionOf('bench.endless'))
  worker.child.on('message', ({ kind, taskId, at }: { kind: string; taskId: string; at: number }) => {
    if (kind === 'aborted') {
      took.push(at - asked.get(taskId)!)
      if (took.length === TASKS) done.resolve()
      else start().catch(done.reject)
      return
    }
    // Not all at the same moment.
    setTimeout(() => {
      asked.set(taskId, performance.timeOrigin + performance.now())
      fetch(`${api.told.url}/tasks/${taskId}/cancel`, { method: 'POST' }).then((answer) => {
        if (answer.status !== 202) done.reject(new Error(`a cancel was answered with ${answer.status}`))
        return answer.arrayBuffer()
      }, done.reject)
    }, Math.random() * 200)
  })
  await Promise.all(Array.from({ length: AT_ONCE }, start))
  await done.promise
  await Promise.all([api.end(), worker.end(), jobs.close()])
  redis.disconnect()
  took.sort((a, b) => a - b)
  return [
    bounded('cancel to abort signal, median', 'ms', took[TASKS / 2]!, 50),
    bounded('cancel to abort signal, p99', 'ms', took[(TASKS * 99) / 100]!, 50),
  ]
}
