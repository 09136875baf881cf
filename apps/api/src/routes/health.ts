import type { LaneState } from '@accepted/core'
import { NewerFormat, StoreUnavailable } from '@accepted/core'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { OPEN } from '../auth/access.ts'
import { ProblemError } from '../problem.ts'
import { problemResponses, response } from '../responses.ts'

/** A lane in which nobody has fetched for so long has no worker; a quiet one is probed every 5 s. */
const FETCHED_WITHIN_MS = 15_000

export interface HealthDependencies {
  lanes: readonly string[]
  laneState: (lane: string) => Promise<LaneState>
}

/** `GET /healthz`, `GET /readyz`. */
export function healthRoutes(app: FastifyInstance, deps: HealthDependencies): void {
  app.get(
    '/healthz',
    {
      config: { access: OPEN, load: 'none' },
      schema: {
        operationId: 'health.read',
        summary: 'Whether the process lives',
        description: 'Asks nothing of Redis or of the workers.',
        tags: ['service'],
        response: {
          200: response('It lives', Type.Object({ status: Type.Literal('ok') }), ['Cache-Control']),
          ...problemResponses(),
        },
      },
    },
    async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  )

  app.get(
    '/readyz',
    {
      config: { access: OPEN, load: 'none' },
      schema: {
        operationId: 'readiness.read',
        summary: 'Whether tasks can be started and run',
        description: 'Redis answers, and in every lane a worker has fetched lately.',
        tags: ['service'],
        response: {
          200: response('Ready', Type.Object({ status: Type.Literal('ready') }), ['Cache-Control']),
          ...problemResponses('not_ready'),
        },
      },
    },
    async (_request, reply) => {
      const missing = await missingParts(deps)
      if (missing.length > 0) {
        throw new ProblemError('not_ready', `Missing: ${missing.join('; ')}.`, {
          headers: { 'retry-after': '1' },
        })
      }
      return reply.header('cache-control', 'no-store').send({ status: 'ready' })
    },
  )
}

/** Whether a worker fetches from the lane, or would if it had a slot free. */
function isServed({ nowMs, fetchedMs, running, slots }: LaneState): boolean {
  return nowMs - fetchedMs <= FETCHED_WITHIN_MS || (slots > 0 && running >= slots)
}

async function missingParts({ lanes, laneState }: HealthDependencies): Promise<string[]> {
  try {
    const states = await Promise.all(lanes.map(async (lane) => ({ lane, state: await laneState(lane) })))
    return states
      .filter(({ state }) => !isServed(state))
      .map(({ lane }) => `no worker has fetched from the lane ${lane} lately`)
  } catch (error) {
    if (error instanceof NewerFormat) return [error.message]
    if (error instanceof StoreUnavailable) return ['Redis does not answer']
    throw error
  }
}
