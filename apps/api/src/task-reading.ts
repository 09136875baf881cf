import { type OperationContract, TASK_STATUSES, Uuid7 } from '@accepted/contract'
import type { Cursor, Estimator, TaskReader } from '@accepted/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { invalidInput } from './problem.ts'
import type { StyleChoice } from './start-options.ts'
import { tombstoneProblem, unknownTask } from './task-answers.ts'
import { namesTag, STYLES, type StyleContext, type StyledAnswer, type TaskView } from './task-styles.ts'

/** With its charset, which Fastify would add for each answer anew. */
export const JSON_TYPE = 'application/json; charset=utf-8'

/** What routes that read tasks need. */
export interface ReadDependencies {
  reader: TaskReader
  estimator: Estimator
  contracts: ReadonlyMap<string, OperationContract>
  /** Redis's time, ms; known once it was read from. */
  now: () => number
  /** How long a deleted task answers 410, ms. */
  tombstoneMs: number
  styles: () => StyleContext
}

export const TaskParams = Type.Object({ task_id: Uuid7('The task') })
export type TaskParams = Static<typeof TaskParams>

/** Request header fields of a read. */
export const ReadHeaders = Type.Object({
  prefer: Type.Optional(Type.String({ description: 'RFC 7240: `task-style=NAME`; others are ignored' })),
  'if-none-match': Type.Optional(Type.String({ description: '304 if the task is still at this `ETag`' })),
})

/** Query of a list of tasks. */
export function listQuery(operations: string[]) {
  return Type.Object(
    {
      status: Type.Optional(Type.Enum([...TASK_STATUSES], { description: 'Only tasks in this state' })),
      operation: Type.Optional(Type.Enum(operations, { description: 'Only tasks of this operation' })),
      created_after: Type.Optional(
        Type.String({ format: 'date-time', description: 'Only those accepted after it' }),
      ),
      created_before: Type.Optional(
        Type.String({ format: 'date-time', description: 'Only those accepted before it' }),
      ),
      style: Type.Optional(
        Type.Enum([...STYLES], { description: 'Has no effect: a list has words of its own' }),
      ),
      limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'Most tasks on a page' }),
      cursor: Type.Optional(
        Type.String({ maxLength: 200, description: 'From the link to the next page; opaque' }),
      ),
    },
    { additionalProperties: false },
  )
}
type ListQuery = Static<ReturnType<typeof listQuery>>

/** The task that a path names. @throws {ProblemError} `not_found`, `gone` */
export async function readTask(request: FastifyRequest, deps: ReadDependencies): Promise<TaskView> {
  const { task_id: taskId } = request.params as TaskParams
  const outcome = await deps.reader.read(request.tenant, taskId)
  if (outcome.outcome === 'gone') throw tombstoneProblem(taskId, outcome.tombstone)
  if (outcome.outcome === 'unknown') throw unknownTask()
  const { task, position } = outcome
  return { task, estimate: await deps.estimator.estimate(task, position), nowMs: deps.now() }
}

/** What a route returns to answer a read; 304 if the caller has it, only where it would be 2xx (RFC 9110 §13.2.2). */
export function styledReply(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, headers, body }: StyledAnswer,
  { applied }: StyleChoice,
): FastifyReply | string {
  reply.headers(headers)
  if (applied) reply.header('preference-applied', applied)
  if (status < 300 && namesTag(request.headers['if-none-match'], headers.etag!)) {
    return reply.removeHeader('location').removeHeader('wait').code(304).send()
  }
  reply.code(status).header('content-type', JSON_TYPE)
  return body
}

/** A page of tasks as the query asks for them, and the query of the next page, if there is one. */
export async function listTasks(request: FastifyRequest, deps: ReadDependencies) {
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
    cursor ? decodeCursor(cursor) : undefined,
  )
  const views = await Promise.all(
    page.tasks.map(async (task) => ({ task, estimate: await deps.estimator.estimate(task, null) })),
  )
  return { views, next: page.next ? nextQuery(request, encodeCursor(page.next)) : null }
}

function nextQuery(request: FastifyRequest, cursor: string): string {
  const query = new URLSearchParams(request.url.split('?')[1] ?? '')
  query.set('cursor', cursor)
  return `?${query}`
}

function encodeCursor({ order, taskId }: Cursor): string {
  return Buffer.from(`${order}.${taskId}`).toString('base64url')
}

function decodeCursor(text: string): Cursor {
  const match = /^(\d{1,17})\.([0-9a-f-]{36})$/.exec(Buffer.from(text, 'base64url').toString('latin1'))
  if (!match || encodeCursor({ order: match[1]!, taskId: match[2]! }) !== text) {
    throw invalidInput([{ query: 'cursor', detail: 'is not a cursor of this list' }])
  }
  return { order: match[1]!, taskId: match[2]! }
}
