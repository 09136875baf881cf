import { NewerFormat, StoreUnavailable } from '@accepted/core'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { ProblemError, problemDocument, unsupportedMediaType } from '../problem.ts'
import { securityHeaders } from '../security-headers.ts'

/** When a store that was away is worth asking again, seconds. */
const STORE_RETRY_SECONDS = 1

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Most bytes of a body, by media type, where that is not the same for all. */
    bodyLimits?: Record<string, number>
  }
}

export interface ProblemsOptions {
  publicUrl: () => string
}

/** Answers every error with a problem document; only text written for callers leaves the process. */
export const problems = plugin<ProblemsOptions>(
  async (app, { publicUrl }) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const problem = problemOf(error, request)
      if (problem.code === 'internal') request.log.error({ err: error }, 'request failed')
      else if (problem.status >= 500 && !request.shed)
        request.log.warn({ code: problem.code }, 'request refused')
      return answerProblem(problem, request, reply, publicUrl())
    })
    app.setNotFoundHandler((request, reply) => {
      return answerProblem(noSuchPath(request), request, reply, publicUrl())
    })
  },
  { name: 'problems' },
)

/** Where documents have a `status` of their own, which is no number. */
const OPERATION_STYLE = /^\/operations(?![^/?])/

/** Answers with a problem document. */
export function answerProblem(
  problem: ProblemError,
  request: FastifyRequest,
  reply: FastifyReply,
  publicUrl: string,
) {
  return reply
    .code(problem.status)
    .headers({ ...securityHeaders(publicUrl), 'x-request-id': request.id, ...problem.options.headers })
    .type('application/problem+json')
    .send(problemDocument(problem, publicUrl, !OPERATION_STYLE.test(request.url)))
}

/** Reads any error as a problem; what is not known is ours. */
export function problemOf(error: FastifyError, request: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof NewerFormat) {
    return new ProblemError('outdated_process', `This process cannot serve it: ${error.message}.`, {
      headers: { 'retry-after': String(STORE_RETRY_SECONDS) },
      cause: error,
    })
  }
  if (error instanceof StoreUnavailable) {
    return new ProblemError(
      'store_unavailable',
      'The task store did not answer in time. Repeat the request, with its Idempotency-Key if it has one.',
      {
        headers: { 'retry-after': String(STORE_RETRY_SECONDS) },
        cause: error,
      },
    )
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return bodyTooLarge(request)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return unsupportedMediaType(request.headers['content-type'], error)
  }
  if (error.statusCode === 403 || error.statusCode === 404) {
    return new ProblemError('not_found', 'There is nothing here.', { cause: error })
  }
  if (error.statusCode === 400)
    return new ProblemError('malformed_request', `${error.message}.`, { cause: error })
  return new ProblemError('internal', 'An unexpected fault; it was logged under X-Request-Id.', {
    cause: error,
  })
}

/** Most bytes that the body of a request may have. */
export function bodyMaxBytes({ routeOptions, headers }: FastifyRequest): number {
  const { config, bodyLimit } = routeOptions
  return config.bodyLimits?.[headers['content-type']?.split(';')[0] ?? ''] ?? bodyLimit
}

/** The problem of a body that has more than that. */
export function bodyTooLarge(request: FastifyRequest): ProblemError {
  return new ProblemError('too_large', `The body may have ${bodyMaxBytes(request)} bytes here.`)
}

/** The problem of a path that nothing has. */
export function noSuchPath({ url }: FastifyRequest): ProblemError {
  return new ProblemError('not_found', `Nothing has the path ${url.split('?')[0]!.slice(0, 200)}.`)
}
