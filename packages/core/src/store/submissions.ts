import { createHash } from 'node:crypto'
import type { CallbackEvent, OperationContract } from '@accepted/contract'
import { type ActedBy, actedByText } from '../audit/acted-by.ts'
import { newId, shardOfTenant } from '../ids.ts'
import { endpointFlow } from './endpoints.ts'
import type { LostCreates } from './lost-creates.ts'
import { StoreUnavailable } from './outage.ts'
import type { TaskHead, TaskRecord } from './record.ts'
import type { ScriptArgument, Scripts } from './scripts.ts'
import { TickBatcher } from './tick-batcher.ts'

/** What the store has not seen within this time, a create or an act, it refuses itself. */
export const ACCEPT_WITHIN_MS = 950
/** As long a create whose answer got lost is looked for, from its start. */
const FIND_WITHIN_MS = 1_000
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000
const LARGEST_BATCH = 16

/** How long and how often, in ms; what is null is not limited. */
export interface TaskLimits {
  attempts: number
  startMs: number | null
  runMs: number
  totalMs: number | null
  graceMs: number
  /** How long it may await confirmation; null: it needs none. */
  confirmMs: number | null
}

/**
 * The limits of an operation's tasks.
 *
 * @param cancelAfterMs the request's own: it can only tighten the total
 */
export function limitsOf(contract: OperationContract, cancelAfterMs?: number): TaskLimits {
  const { startSeconds, runSeconds, totalSeconds, graceSeconds } = contract.timeouts
  const totals = [cancelAfterMs, msOf(totalSeconds)].filter((ms) => typeof ms === 'number')
  return {
    attempts: contract.attempts,
    startMs: msOf(startSeconds),
    runMs: runSeconds * 1000,
    totalMs: totals.length > 0 ? Math.min(...totals) : null,
    graceMs: graceSeconds * 1000,
    confirmMs: msOf(contract.confirm?.withinSeconds),
  }
}

function msOf(seconds: number | undefined): number | null {
  return seconds === undefined ? null : seconds * 1000
}

/** The quotas of a tenant that creating a task is held to. */
export interface TenantQuotas {
  /** Most of its tasks that may wait in a lane; 0: any number. */
  waiting: number
  /** Most bytes that it may take; 0: any number. */
  storedBytes: number
  /** How long a task that makes room for another answers 410. */
  tombstoneMs: number
}

/** A request for a task. */
export interface Submission {
  tenant: string
  operation: string
  lane: string
  /** 0…7, 0 first. */
  priority: number
  head: TaskHead
  /** The body as JSON text, or '' for none. */
  body: string
  limits: TaskLimits
  /** Most tasks that may wait in the lane. */
  maxBacklog: number
  /** Most tasks that the caller accepts before its own; Infinity: any number. */
  maxQueue: number
  /** What holds of its tenant unless an operator has set something else; without it no quota does. */
  quotas?: TenantQuotas
  idempotency?: {
    key: string
    /** Of the request, as `fingerprintOf` makes it. */
    fingerprint: string
  }
  /** Who asks for it; without it the trail does not tell of it. */
  actedBy?: ActedBy | undefined
}

export type SubmissionOutcome =
  | { outcome: 'created'; task: TaskRecord; position: number | null }
  | { outcome: 'exists'; taskId: string }
  | { outcome: 'conflict' }
  | { outcome: 'backlog_full'; waiting: number }
  | { outcome: 'never_fits'; limitBytes: number; bytes: number }
  | OverQuota

/** The tenant has used up a quota: `used` of `limit`. */
export interface OverQuota {
  outcome: 'over_quota'
  quota: 'waiting' | 'stored'
  limit: number
  used: number
  /** How many tasks the lane has to take before there may be room; 0: it is being made at once; null: nobody knows. */
  takes: number | null
}

/** Accepts tasks: one script call a turn of the event loop, then one job a task. */
export class Submissions {
  readonly #scripts: Scripts
  readonly #lost: LostCreates | undefined
  readonly #batchers: TickBatcher<
    { id: string; submission: Submission; acceptBy: number },
    SubmissionOutcome | 'late'
  >[]

  /** @param lost for who refuses its own callers: looks after creates whose answer got lost; the caller closes it */
  constructor(scripts: Scripts, lost?: LostCreates) {
    this.#scripts = scripts
    this.#lost = lost
    this.#batchers = Array.from(
      { length: scripts.shards },
      (_, shard) => new TickBatcher((items) => this.#createBatch(shard, items), LARGEST_BATCH),
    )
  }

  /**
   * Once it resolves to `created`, the task is durable. If it throws, the task will not come alive later: the store refuses
   * what reaches it late, and what it had accepted before its answer got lost is taken back.
   *
   * @throws {StoreUnavailable}
   */
  async create(submission: Submission): Promise<SubmissionOutcome> {
    const findBy = performance.now() + FIND_WITHIN_MS
    const acceptBy = (await this.#scripts.now()) + ACCEPT_WITHIN_MS
    const shard = shardOfTenant(submission.tenant, this.#scripts.shards)
    const id = newId(shard)
    try {
      const outcome = await this.#batchers[shard]!.add({ id, submission, acceptBy })
      if (outcome === 'late') throw new StoreUnavailable('the create reached Redis too late')
      return outcome
    } catch (error) {
      if (!(error instanceof StoreUnavailable && error.mayHaveHappened && this.#lost)) throw error
      const key = keyOf(submission)
      const { tenant, actedBy } = submission
      const found = await this.#lost.find({ taskId: id, tenant, key, acceptBy, actedBy }, findBy)
      if (!found) throw error
      return { outcome: 'created', task: found.task, position: found.position }
    }
  }

  async #createBatch(
    shard: number,
    items: { id: string; submission: Submission; acceptBy: number }[],
  ): Promise<(SubmissionOutcome | 'late')[]> {
    const args: ScriptArgument[] = []
    for (const { id, submission, acceptBy } of items) {
      const { idempotency } = submission
      args.push(id, submission.tenant, submission.operation, submission.lane, submission.priority)
      args.push(
        Math.floor(acceptBy),
        submission.maxBacklog,
        Math.min(submission.maxQueue, Number.MAX_SAFE_INTEGER),
      )
      args.push(keyOf(submission), idempotency?.fingerprint ?? '', KEY_LIFETIME_MS)
      const { attempts, runMs, graceMs, confirmMs, startMs, totalMs } = submission.limits
      args.push(
        [submission.head.steps.length, attempts, runMs, graceMs, confirmMs ?? 0].map(Math.ceil).join(),
      )
      args.push(Math.ceil(startMs ?? 0), Math.ceil(totalMs ?? 0))
      args.push(JSON.stringify(submission.head), submission.body, callbackOf(submission))
      args.push(quotasOf(submission))
      args.push(actedByText(submission.actedBy))
    }
    const { nowMs, answer } = await this.#scripts.run('create', shard, args)
    const told = answer as unknown[][]
    return items.map(({ id, submission }, index) => outcomeOf(id, submission, nowMs, told[index]!))
  }
}

/** As the store names an Idempotency-Key; '' for none. */
function keyOf({ idempotency }: Submission): string {
  return idempotency ? digest(idempotency.key) : ''
}

function outcomeOf(
  id: string,
  submission: Submission,
  now: number,
  answer: unknown[],
): SubmissionOutcome | 'late' {
  switch (answer[0]) {
    case 'created':
      return {
        outcome: 'created',
        task: acceptedRecord(id, submission, now),
        position: Number(answer[1]),
      }
    case 'exists':
      return { outcome: 'exists', taskId: String(answer[1]) }
    case 'conflict':
      return { outcome: 'conflict' }
    case 'backlog_full':
      return { outcome: 'backlog_full', waiting: Number(answer[1]) }
    case 'over_quota': {
      const [limit, used, takes] = answer.slice(2).map(Number) as [number, number, number]
      const quota = answer[1] as OverQuota['quota']
      return { outcome: 'over_quota', quota, limit, used, takes: takes < 0 ? null : takes }
    }
    case 'never_fits':
      return { outcome: 'never_fits', limitBytes: Number(answer[1]), bytes: Number(answer[2]) }
    default:
      return 'late'
  }
}

const EVENT_LETTERS: Record<CallbackEvent, string> = {
  started: 's',
  progress: 'p',
  awaiting_confirmation: 'w',
  completed: 'c',
  failed: 'f',
  canceled: 'x',
}

/** What the scripts need of a task's callbacks: outbox.lua. */
function callbackOf({ tenant, head }: Submission): string {
  if (!head.callback || head.callback.events.length === 0) return ''
  const letters = head.callback.events.map((event) => EVENT_LETTERS[event]).join('')
  return `${letters} ${endpointFlow(tenant, head.callback.url)}`
}

/** As quotas.lua reads them. */
function quotasOf({ quotas }: Submission): string {
  return quotas ? `${quotas.waiting} ${quotas.storedBytes} ${Math.ceil(quotas.tombstoneMs)}` : ''
}

/** The record as create.lua has just written it. */
function acceptedRecord(taskId: string, submission: Submission, now: number): TaskRecord {
  const { tenant, operation, lane, priority, head, body } = submission
  const { attempts, runMs, graceMs, totalMs } = submission.limits
  return {
    taskId,
    tenant,
    operation,
    lane,
    priority,
    status: 'pending',
    reason: null,
    version: 1,
    attempt: 0,
    maxAttempts: attempts,
    runMs: Math.ceil(runMs),
    graceMs: Math.ceil(graceMs),
    progress: 0,
    head,
    ...(body ? { body } : {}),
    resource: null,
    error: null,
    steps: new Map(),
    attempts: [],
    createdMs: now,
    updatedMs: now,
    startedMs: null,
    beganMs: null,
    finishedMs: null,
    deadlineMs: totalMs === null ? null : now + Math.ceil(totalMs),
    confirmByMs: null,
    expiresMs: null,
    endsAs: null,
  }
}

/** What two requests under one Idempotency-Key must share. The order of members does not matter, their values do. */
export function fingerprintOf(request: {
  method: string
  path: string
  body: unknown
  options: Record<string, string>
}) {
  return digest(canonical([request.method, request.path, request.body, request.options]))
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 27)
}
