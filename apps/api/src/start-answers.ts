import { isEnded } from '@accepted/contract'
import { type Estimator, type ReadOutcome, StoreUnavailable } from '@accepted/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { preferenceApplied, readPreferences } from './preferences.ts'
import { chooseStyle, type StartHeaders, type StyleQuery } from './start-options.ts'
import { goneProblem } from './task-answers.ts'
import {
  answerOf,
  bodyOf,
  hintsOf,
  pathOf,
  type StyleContext,
  type StyledAnswer,
  type StyleName,
  type TaskView,
} from './task-styles.ts'
import { type FoundTask, viewOf } from './task-views.ts'
import { restsWithClient, type TaskWaits } from './task-waits.ts'

/** What it takes to answer a start. */
export interface StartAnswerDependencies {
  waits: TaskWaits
  estimator: Estimator
  /** Redis's time, ms; known once it was read from or written to. */
  now: () => number
  styles: () => StyleContext
}

/**
 * Answers a start with its task: 202, or by `Prefer: wait`, once it ended, as a read would.
 *
 * @param nowMs Redis's time when the task was as it is `known`
 * @throws {ProblemError} `gone`, if it expired while it was waited for
 */
export async function answerStarted(
  request: FastifyRequest,
  reply: FastifyReply,
  known: FoundTask,
  nowMs: number,
  deps: StartAnswerDependencies,
) {
  const { prefer } = request.headers as unknown as StartHeaders
  const { style, applied } = chooseStyle(request.query as StyleQuery, prefer)
  const preferences = readPreferences(prefer)
  const { waitSeconds } = preferences
  const context = deps.styles()

  let answer: StyledAnswer
  if (waitSeconds) {
    const outcome = await afterWait(reply, known, waitSeconds, deps)
    if (outcome.outcome !== 'task') throw goneProblem(known.task.taskId, outcome)
    const view = await viewOf(outcome, deps.estimator, deps.now())
    const say = isEnded(outcome.task.status) ? answerOf : acceptedAnswer
    answer = say(style, view, context)
  } else {
    answer = acceptedAnswer(style, await viewOf(known, deps.estimator, nowMs), context)
  }
  return reply
    .code(answer.status)
    .headers({ ...answer.headers, ...preferenceApplied(applied, preferences) })
    .type('application/json')
    .send(answer.body)
}

/** The task when it has ended or awaits confirmation, at the latest after `seconds`. That it was accepted stays true without Redis. */
async function afterWait(
  reply: FastifyReply,
  known: FoundTask,
  seconds: number,
  { waits }: StartAnswerDependencies,
): Promise<ReadOutcome> {
  if (restsWithClient(known.task)) return known
  return waits.until(reply, known, seconds, restsWithClient).catch((error) => {
    if (error instanceof StoreUnavailable) return known
    throw error
  })
}

/** 202: where to ask for the task, and when. */
function acceptedAnswer(style: StyleName, view: TaskView, context: StyleContext): StyledAnswer {
  const { wait, retryAfter } = hintsOf(view, context.bounds)
  const { taskId } = view.task
  return {
    status: 202,
    headers: {
      location: pathOf(taskId, style),
      'operation-location': `${context.publicUrl}/operations/${taskId}`,
      'content-location': pathOf(taskId, style),
      'retry-after': String(retryAfter),
      wait: String(wait),
      vary: 'Prefer',
    },
    body: bodyOf(style, view, context.publicUrl),
  }
}
