import { connectForWork, createLog, LaneJobs, Scripts, Submissions, TaskControl } from '@accepted/core'
import { bounded, cost, type Figure } from './figures.ts'
import { mediansOf, processorMsOf, type Sides } from './load.ts'
import { ACTED_BY, submissionOf } from './submission.ts'

const TASKS = 10_000
const ROUNDS = 5
const AT_ONCE = 100

/** What the audit trail costs: processor time of Redis for a start and for a cancel, each in turn with and without it; memory. */
export async function audit(redisUrl: string): Promise<Figure[]> {
  const log = createLog('bench', 'warn')
  const redis = connectForWork(redisUrl, log)
  const jobs = new LaneJobs(redis, 'bench-audit', log)
  const scripts = new Scripts(redis, 'bench-audit', jobs)
  const submissions = new Submissions(scripts)
  const control = new TaskControl(scripts, 3_600_000, 3_600_000)

  /** Microseconds of Redis's processor for each of so many acts. */
  const microsecondsOf = async (act: (n: number) => Promise<unknown>): Promise<number> => {
    const before = await processorMsOf(redis)
    for (let n = 0; n < TASKS; n += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, m) => act(n + m)))
    }
    return (1_000 * ((await processorMsOf(redis)) - before)) / TASKS
  }

  const [created, canceled]: [Sides, Sides] = [
    { ours: [], theirs: [] },
    { ours: [], theirs: [] },
  ]
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [side, actedBy] of [
      ['theirs', undefined],
      ['ours', ACTED_BY],
    ] as const) {
      const ids: string[] = []
      const submission = submissionOf('bench.noop', { actedBy })
      created[side].push(
        await microsecondsOf(async () => {
          const outcome = await submissions.create(submission)
          if (outcome.outcome === 'created') ids.push(outcome.task.taskId)
        }),
      )
      canceled[side].push(await microsecondsOf((n) => control.cancel('default', ids[n]!, actedBy)))
    }
  }
  const trail = `${scripts.prefixOf(0)}audit:default`
  const bytes = Number(await redis.memory('USAGE', trail, 'SAMPLES', 0)) / (await redis.xlen(trail))
  await jobs.close()
  redis.disconnect()
  return [
    cost(
      'processor time of Redis for a start with the audit trail, beside one without',
      'µs',
      mediansOf(created),
      1.4,
    ),
    cost('the same for a cancel', 'µs', mediansOf(canceled), 1.4),
    bounded('memory of Redis for an entry', 'B', bytes, 200),
  ]
}
