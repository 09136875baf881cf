import { DEFAULT_CALLBACK_EVENTS } from '@accepted/contract'
import type { Callback, Claim, Submission, SubmissionOutcome, TaskRecord } from '../index.ts'
import { type TestStore, terms } from './store.ts'

/** A submission that a test need not spell out. */
export function submission(changes: Partial<Submission> = {}): Submission {
  return {
    tenant: 'default',
    operation: 'test.run',
    lane: 'test',
    priority: 3,
    head: {
      resource: '/tests',
      verb: 'POST',
      header: {},
      params: {},
      steps: ['one', 'two'],
      requestId: 'request-1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
    body: '{"n":1}',
    limits: { attempts: 3, startMs: null, runMs: 3_600_000, totalMs: null, graceMs: 5_000, confirmMs: null },
    maxBacklog: 1_000_000,
    maxQueue: Number.POSITIVE_INFINITY,
    ...changes,
  }
}

/** The same with callbacks, by default of the default events. */
export function calledBack(callback: Partial<Callback> = {}, changes: Partial<Submission> = {}): Submission {
  const usual = submission(changes)
  const given = {
    url: 'https://shop.example/hook',
    events: DEFAULT_CALLBACK_EVENTS,
    base: 'http://api.example',
  }
  return { ...usual, head: { ...usual.head, callback: { ...given, ...callback } } }
}

/** The id of a task that was created. @throws {Error} if it was not */
export function createdId(outcome: SubmissionOutcome): string {
  if (outcome.outcome !== 'created') throw new Error(`not created: ${outcome.outcome}`)
  return outcome.task.taskId
}

/** Creates a task; resolves to its id. @throws {Error} if it was not created */
export async function createTask(store: TestStore, changes: Partial<Submission> = {}): Promise<string> {
  return createdId(await store.submissions.create(submission(changes)))
}

/** Takes the task of the lane `test` whose turn it is. @throws {Error} if none waits */
export async function claimTask(store: TestStore): Promise<Claim> {
  const claim = await store.work.claim(0, 'test')
  if (!claim) throw new Error('nothing was claimed')
  return claim
}

/** The record of a task as its tenant sees it. @throws {Error} if there is none */
export async function readTask(store: TestStore, taskId: string): Promise<TaskRecord> {
  const outcome = await store.reader.read('default', taskId)
  if (outcome.outcome !== 'task') throw new Error(outcome.outcome)
  return outcome.task
}

/** Lets the lease of a running task run out, as if its worker had died, and ticks. */
export async function loseWorker({ redis, scripts, upkeep }: TestStore, taskId: string): Promise<void> {
  const base = scripts.prefixOf(0)
  await redis.hset(`${base}upkeep`, { ticked: Math.floor(await scripts.now()), leases_hold_until: 0 })
  await redis.zadd(`${base}timers`, 1, `lease:${taskId}`)
  await upkeep.tick(0, [], terms())
}
