import { FieldValue, isEnded, Moment, type OperationContract, TASK_STATUSES, Uuid7 } from '@accepted/contract'
import type { Cursor, Estimator, ReadOutcome, TaskReader, TaskRecord } from '@accepted/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { cursorOf, nextQuery, pageQuery, placeOf } from './paging.ts'
import { preferenceApplied, readPreferences } from './preferences.ts'
import type { PollPacing } from './quotas/poll-pacing.ts'
import type { RequestQuota } from './quotas/request-quota.ts'
import type { StyleChoice } from './start-options.ts'
import { tombstoneProblem, unknownTask } from './task-answers.ts'
import {
  etagOf,
  namesTag,
  STYLES,
  type StyleContext,
  type StyledAnswer,
  type StyleName,
  type TaskView,
} from './task-styles.ts'
import type { FoundTask } from './task-views.ts'
import type { TaskWaits } from './task-waits.ts'

/** With its charset, which Fastify would add for each answer anew. */
export const JSON_TYPE = 'application/json; charset=utf-8'

/** What routes that read tasks need. */
export interface ReadDependencies {
  reader: TaskReader
  waits: TaskWaits
  estimator: Estimator
  contracts: ReadonlyMap<string, OperationContract>
  /** Redis's time, ms; known once it was read from. */
  now: () => number
  styles: () => StyleContext
  /** Undefined: polls may come as often as they like. */
  pacing: PollPacing | undefined
  /** Undefined: lists may be as long as they like. */
  quota: RequestQuota | undefined
}

export const TaskParams = Type.Object({ task_id: Uuid7('The task') })
export type TaskParams = Static<typeof TaskParams>

/** Request header fields of a read. */
export const ReadHeaders = Type.Object({
  prefer: Type.Optional(
    FieldValue(
      'RFC 7240: `task-style=NAME`; `wait=SECONDS` (up to 60): answer when the task has changed, from the version in `If-None-Match` if there is one; others are ignored',
    ),
  ),
  'if-none-match': Type.Optional(FieldValue('304 if the task is still at this `ETag`')),
})

/** Query of a list of tasks. */
export function listQuery(operations: string[]) {
  return Type.Object(
    {
      status: Type.Optional(Type.Enum([...TASK_STATUSES], { description: 'Only tasks in this state' })),
      operation: Type.Optional(Type.Enum(operations, { description: 'Only tasks of this operation' })),
      created_after: Type.Optional(Moment({ description: 'Only those accepted after it' })),
      created_before: Type.Optional(Moment({ description: 'Only those accepted before it' })),
      style: Type.Optional(
        Type.Enum([...STYLES], { description: 'Has no effect: a list has words of its own' }),
      ),
      ...pageQuery('Most tasks on a page'),
    },
    { additionalProperties: false },
  )
}
type ListQuery = Static<ReturnType<typeof listQuery>>

/** The task that a path names. @throws {ProblemError} `not_found`, `gone` */
export async function findTask(request: FastifyRequest, reader: TaskReader): Promise<FoundTask> {
  const { task_id: taskId } = request.params as TaskParams
  return asFound(taskId, await reader.read(request.tenant, taskId))
}

function asFound(taskId: string, outcome: ReadOutcome): FoundTask {
  if (outcome.outcome === 'gone') throw tombstoneProblem(taskId, outcome.tombstone)
  if (outcome.outcome === 'unknown') throw unknownTask()
  return outcome
}

/**
 * The task that a path names; by `Prefer: wait`, after its next change.
 *
 * @param style in which it will be told: a version in `If-None-Match` is one of a style
 * @throws {ProblemError} `not_found`, `gone`, `polling_too_fast`
 */
export async function readTask(
  request: FastifyRequest,
  reply: FastifyReply,
  deps: ReadDependencies,
  style: StyleName,
): Promise<TaskView> {
  const { task_id: taskId } = request.params as TaskParams
  const { waitSeconds } = readPreferences(request.headers.prefer as string | undefined)
  let found = await findTask(request, deps.reader)
  const isHeld = waitSeconds && isKnownToCaller(request, found.task, style)
  // What is answered at once is a poll, whatever it prefers.
  if (!isHeld && !isEnded(found.task.status)) await deps.pacing?.admit(request.tenant, taskId)
  if (isHeld) {
    const known = found
    const { version } = known.task
    found = asFound(
      taskId,
      await deps.waits.until(reply, known, waitSeconds, (task) => task.version !== version),
    )
    // It had no place to be held.
    if (found === known) await deps.pacing?.admit(request.tenant, taskId)
  }
  await deps.quota?.countBytes(request.tenant, bytesOf(found.task), reply)
  const { task, position } = found
  return { task, estimate: await deps.estimator.estimate(task, position), nowMs: deps.now() }
}

/** What of a task may be large, whether it is shown or not: it was read. In UTF-16 units, which are near enough. */
export function bytesOf({ body, result }: TaskRecord): number {
  return (body?.length ?? 0) + (result?.length ?? 0)
}

/** Whether the caller has nothing to learn yet: a task that goes on, and is still as it was when the caller last saw it. */
function isKnownToCaller({ headers }: FastifyRequest, task: TaskRecord, style: StyleName): boolean {
  const known = headers['if-none-match']
  return !isEnded(task.status) && (known === undefined || namesTag(known, etagOf(task, style)))
}

/** Notes when a poll is to come again, and answers it. */
export function pollReply(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: StyledAnswer,
  choice: StyleChoice,
  { pacing }: ReadDependencies,
): FastifyReply | string {
  const again = answer.headers['retry-after']
  pacing?.told(
    request.tenant,
    (request.params as TaskParams).task_id,
    again === undefined ? undefined : Number(again),
  )
  return styledReply(request, reply, answer, choice)
}

/** What a route returns to answer a read; 304 if the caller has it, only where it would be 2xx (RFC 9110 §13.2.2). */
export function styledReply(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, headers, body }: StyledAnswer,
  { applied }: StyleChoice,
): FastifyReply | string {
  // That it was asked to be async says nothing here.
  const { respondAsync: _, ...honoured } = readPreferences(request.headers.prefer as string | undefined)
  reply.headers({ ...headers, ...preferenceApplied(applied, honoured) })
  if (status < 300 && namesTag(request.headers['if-none-match'], headers.etag!)) {
    return reply.removeHeader('location').removeHeader('wait').code(304).send()
  }
  reply.code(status).header('content-type', JSON_TYPE)
  return body
}

/** A page of tasks as the query asks for them, and the query of the next page, if there is one. */
export async function listTasks(request: FastifyRequest, reply: FastifyReply, deps: ReadDependencies) {
  const { status, operation, created_after, created_before, limit, cursor } = request.query as ListQuery
  const filter = {
    ...(status ? { status } : {}),
    ...(operation ? { operation } : {}),
    ...(created_after ? { createdAfterMs: Date.parse(created_after) } : {}),
    ...(created_before ? { createdBeforeMs: Date.parse(created_before) } : {}),
  }
  const page = await deps.reader.list(
    request.tenant,
    filter,
    limit,
    cursor === undefined ? undefined : placeOf(cursor, readPlace),
  )
  await deps.quota?.countEntries(request.tenant, page.tasks.length, reply)
  const views = await Promise.all(
    page.tasks.map(async (task) => ({ task, estimate: await deps.estimator.estimate(task, null) })),
  )
  return { views, next: page.next ? nextQuery(request, cursorOf(placeText(page.next))) : null }
}

function placeText({ order, taskId }: Cursor): string {
  return `${order}.${taskId}`
}

function readPlace(text: string): Cursor | undefined {
  const [, order, taskId] = /^(\d{1,17})\.([0-9a-f-]{36})$/.exec(text) ?? []
  return order && taskId ? { order, taskId } : undefined
}
