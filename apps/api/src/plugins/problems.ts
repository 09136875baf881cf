import { PROBLEMS, type ProblemCode } from '@accepted/contract'
import { StoreUnavailable } from '@accepted/core'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { ProblemError, problemDocument } from '../problem.ts'

/** When a store that was away is worth asking again, seconds. */
const STORE_RETRY_SECONDS = 1

/** Fastify's own errors, by what they mean here. */
const FASTIFY_CODES: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_ERR_BAD_URL: 'malformed_request',
}

export interface ProblemsOptions {
  publicUrl: () => string
}

/** Answers every error with a problem document; only text written for callers leaves the process. */
export const problems = plugin<ProblemsOptions>(
  async (app, { publicUrl }) => {
    const send = (request: FastifyRequest, reply: FastifyReply, problem: ProblemError) => {
      const body = problemDocument(problem, publicUrl(), !request.url.startsWith('/operations'))
      return reply
        .code(problem.status)
        .headers(problem.options.headers ?? {})
        .type('application/problem+json')
        .send(body)
    }
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const problem = problemOf(error)
      if (problem.status >= 500) request.log.error({ err: error }, 'request failed')
      return send(request, reply, problem)
    })
    app.setNotFoundHandler((request, reply) =>
      send(request, reply, new ProblemError('not_found', `Nothing has the path ${pathOf(request.url)}.`)),
    )
  },
  { name: 'problems' },
)

/** Reads any error as a problem; what is not known is ours. */
function problemOf(error: FastifyError): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof StoreUnavailable) {
    return new ProblemError(
      'store_unavailable',
      'The task store did not answer in time. Nothing was started.',
      {
        headers: { 'retry-after': String(STORE_RETRY_SECONDS) },
        cause: error,
      },
    )
  }
  const known = FASTIFY_CODES[error.code]
  if (known) return new ProblemError(known, error.message, { cause: error })
  if (error.statusCode === 400)
    return new ProblemError('malformed_request', PROBLEMS.malformed_request.explanation)
  return new ProblemError('internal', 'An unexpected fault; it was logged under X-Request-Id.', {
    cause: error,
  })
}

function pathOf(url: string): string {
  return url.split('?')[0]!.slice(0, 200)
}
