import { FieldValue } from '@accepted/contract'
import type { Estimator, TaskControl, TaskRecord } from '@accepted/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'
import type { HeaderUse } from '../response-headers.ts'
import { BODY_PROBLEMS, emptyResponse, problemResponses, response, STORE_PROBLEMS } from '../responses.ts'
import { chooseStyle, StyleQuery } from '../start-options.ts'
import { absentProblem, endedProblem, notAwaitingProblem, notEndedProblem } from '../task-answers.ts'
import { TaskParams } from '../task-reading.ts'
import { actionAnswer, type StyleContext, type StyleName } from '../task-styles.ts'

/** What routes that act on tasks need. */
export interface ActDependencies {
  control: TaskControl
  estimator: Estimator
  /** Redis's time, ms; known once it was read from or written to. */
  now: () => number
  styles: () => StyleContext
}

const ActHeaders = Type.Object({
  prefer: Type.Optional(FieldValue('RFC 7240: `task-style=NAME`; others are ignored')),
})
const ACT_HEADERS: HeaderUse[] = [
  'Content-Location',
  'ETag',
  'Cache-Control',
  'Vary',
  'Link',
  'Location?',
  'Operation-Location?',
  'Retry-After?',
  'Sunset?',
  'Wait?',
  'Preference-Applied?',
]
const ABSENT = ['not_found', 'gone', ...STORE_PROBLEMS] as const
const BodyInStyle = Type.Union([Type.Ref('StyledTask'), Type.Ref('Operation')])

/** An answer to an act that shows the task. */
export function actedResponse(description: string, schema: TSchema = BodyInStyle) {
  return response(description, schema, ACT_HEADERS)
}

/** `POST /tasks/{id}/cancel`, `POST /tasks/{id}/confirm`, `DELETE /tasks/{id}`. */
export function taskActionRoutes(app: FastifyInstance, deps: ActDependencies): void {
  app.post(
    '/tasks/:task_id/cancel',
    {
      config: { access: ['tasks:write'] },
      schema: {
        operationId: 'task.cancel',
        summary: 'Cancel a task',
        description:
          'It is `canceled` at once if nothing of it was done, else `canceling`: running work is told to stop, and finished steps are undone, newest first. Once more changes nothing.',
        tags: ['tasks'],
        params: TaskParams,
        querystring: StyleQuery,
        headers: ActHeaders,
        response: {
          202: actedResponse('The task is canceled, or will be'),
          ...problemResponses(...BODY_PROBLEMS, ...ABSENT, 'already_ended', 'invalid_input'),
        },
      },
    },
    async (request, reply) => sendActed(request, reply, 202, await cancelTask(request, deps), deps),
  )

  app.post(
    '/tasks/:task_id/confirm',
    {
      config: { access: ['tasks:write'] },
      schema: {
        operationId: 'task.confirm',
        summary: 'Confirm a task',
        description: 'A task whose status is `awaiting_confirmation` completes.',
        tags: ['tasks'],
        params: TaskParams,
        querystring: StyleQuery,
        headers: ActHeaders,
        response: {
          200: actedResponse('The task is completed'),
          ...problemResponses(
            ...BODY_PROBLEMS,
            ...ABSENT,
            'already_ended',
            'not_awaiting_confirmation',
            'invalid_input',
          ),
        },
      },
    },
    async (request, reply) => {
      const { task_id: taskId } = request.params as TaskParams
      const outcome = await deps.control.confirm(request.tenant, taskId, request.actedBy)
      switch (outcome.outcome) {
        case 'confirmed':
          request.log.info({ task: taskId }, 'task confirmed')
          return sendActed(request, reply, 200, outcome.task, deps)
        case 'not_awaiting':
        case 'ended':
          throw notAwaitingProblem(outcome.status)
        default:
          throw absentProblem(taskId, outcome)
      }
    },
  )

  app.delete(
    '/tasks/:task_id',
    {
      config: { access: ['tasks:write'] },
      schema: {
        operationId: 'task.delete',
        summary: 'Delete an ended task',
        description: 'From then on it answers 410. The resource that it made lives on.',
        tags: ['tasks'],
        params: TaskParams,
        response: {
          204: emptyResponse('Deleted'),
          ...problemResponses(...BODY_PROBLEMS, ...ABSENT, 'not_ended'),
        },
      },
    },
    async (request, reply) => {
      const { task_id: taskId } = request.params as TaskParams
      const outcome = await deps.control.delete(request.tenant, taskId, request.actedBy)
      if (outcome.outcome === 'open') throw notEndedProblem(taskId, outcome.status)
      if (outcome.outcome !== 'deleted') throw absentProblem(taskId, outcome)
      request.log.info({ task: taskId }, 'task deleted')
      return reply.code(204).send()
    },
  )
}

/** Cancels the task that a path names. @throws {ProblemError} `already_ended`, `gone`, `not_found` */
export async function cancelTask(request: FastifyRequest, { control }: ActDependencies): Promise<TaskRecord> {
  const { task_id: taskId } = request.params as TaskParams
  const outcome = await control.cancel(request.tenant, taskId, request.actedBy)
  if (outcome.outcome === 'ended') throw endedProblem(outcome.status)
  if (!('task' in outcome)) throw absentProblem(taskId, outcome)
  request.log.info({ task: taskId, status: outcome.outcome }, 'task cancellation asked for')
  return outcome.task
}

/** Answers an act with the task as it is after it. */
export async function sendActed(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  task: TaskRecord,
  { estimator, now, styles }: ActDependencies,
  forced?: StyleName,
) {
  const { style, applied } = forced
    ? { style: forced, applied: undefined }
    : chooseStyle(request.query as StyleQuery, request.headers.prefer as string | undefined)
  const view = { task, estimate: await estimator.estimate(task, null), nowMs: now() }
  const { headers, body } = actionAnswer(style, view, styles())
  reply.headers(headers)
  if (applied) reply.header('preference-applied', applied)
  return reply.code(status).type('application/json').send(body)
}
