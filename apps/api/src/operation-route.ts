import {
  CallbackMembers,
  type OperationContract,
  operationScope,
  pathMembers,
  SHOWN_FIELD_MAX_CHARACTERS,
} from '@accepted/contract'
import {
  type Callback,
  fingerprintOf,
  limitsOf,
  type Submissions,
  type TaskHead,
  type TaskReader,
  type TenantQuotas,
} from '@accepted/core'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { type TProperties, type TSchema, Type } from 'typebox'
import type { FullLanes, Lane } from './admission/full-lanes.ts'
import { refuseUnless } from './auth/caller.ts'
import { takeCallbackMembers } from './callbacks/callback-members.ts'
import { type AskedCallback, readCallbackOptions } from './callbacks/callback-options.ts'
import { type CallbackPolicy, permittedCallback } from './callbacks/permitted-callback.ts'
import { traceparentOf } from './plugins/request-ids.ts'
import { readPreferences } from './preferences.ts'
import { invalidInput, ProblemError } from './problem.ts'
import { neverFits, quotaExceeded } from './quotas/over-quota.ts'
import {
  acceptedResponse,
  BODY_PROBLEMS,
  type Described,
  either,
  problemResponses,
  START_PROBLEMS,
  taskResponses,
} from './responses.ts'
import { answerStarted, type StartAnswerDependencies } from './start-answers.ts'
import { cancelAfterMs, idempotencyKey, StartHeaders, StyleQuery } from './start-options.ts'
import { goneProblem } from './task-answers.ts'

/** What a route that starts tasks needs. */
export interface StartDependencies extends StartAnswerDependencies {
  submissions: Submissions
  reader: TaskReader
  /** Most tasks that may wait in a lane. */
  maxBacklog: number
  fullLanes: FullLanes
  /** Undefined: tenants have none. */
  quotas: TenantQuotas | undefined
  callbacks: CallbackPolicy
}

/** Header fields of a request that its task may show. */
const SHOWN_HEADERS = ['content-type', 'prefer'] as const

/** What an immediate operation answers when it is not made a task. */
export interface Immediate {
  answer: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
  /** Its answers when all is well, as the route's schema has them. */
  responses: Record<number, Described>
}

/**
 * Makes a contract's route: checks the request by the contract's schemas, creates the task, answers 202 or, by
 * `Prefer: wait`, with the task that has ended.
 *
 * @param immediate for a contract that says so: how the route answers by itself
 */
export function operationRoute(
  app: FastifyInstance,
  contract: OperationContract,
  deps: StartDependencies,
  immediate?: Immediate,
): void {
  const [method, path] = contract.route.split(' ') as [HTTPMethods, string]
  const { params, rest } = splitInput(contract)
  const inQuery = method === 'GET' || method === 'DELETE'
  const own = operationScope(contract.name)
  const starting = ['tasks:write', own] as const
  const isImmediate = ({ headers }: FastifyRequest) =>
    immediate !== undefined && !readPreferences(headers.prefer as string | undefined).respondAsync
  app.route({
    method,
    config: {
      access: immediate ? ['tasks:read', ...starting] : starting,
      load: immediate ? (request) => (isImmediate(request) ? 'reads' : 'starts') : 'starts',
    },
    url: path.replace(/\{(\w+)\}/g, ':$1'),
    schema: {
      operationId: contract.name,
      summary: contract.summary,
      description: contract.description ?? `${contract.summary}.`,
      tags: [contract.tag ?? tagOf(path)],
      ...(params ? { params } : {}),
      // A member that nobody knows would be lost without a word, or be taken for input.
      querystring: Type.Object(
        { ...StyleQuery.properties, ...(inQuery ? rest.properties : {}) },
        { additionalProperties: false },
      ),
      ...(inQuery ? {} : { body: withCallbackMembers(rest) }),
      headers: StartHeaders,
      response: {
        ...startResponses(immediate),
        ...problemResponses(
          ...START_PROBLEMS,
          ...(params ? (['not_found'] as const) : []),
          ...(inQuery ? (['too_large'] as const) : BODY_PROBLEMS),
        ),
      },
    },
    // Before the body is read. What has an Idempotency-Key may be of a task that exists, which is answered with that.
    onRequest: (request, _reply, next) => {
      refuseUnless(request.caller, isImmediate(request) ? ['tasks:read', own] : starting)
      const isNew = !isImmediate(request) && request.headers['idempotency-key'] === undefined
      const refusal = isNew ? deps.fullLanes.knownRefusal(laneOf(contract)) : undefined
      if (refusal) request.shed = true
      next(refusal)
    },
    preValidation: takeCallbackMembers,
    // What is wrong with the callback options is told with the rest.
    attachValidation: true,
    handler: async (request, reply) => {
      if (immediate && isImmediate(request)) {
        if (request.validationError) throw request.validationError
        return immediate.answer(request, reply)
      }
      return startTask(request, reply, contract, deps)
    },
  })
}

/** The answers of a start: as to a read if the task has ended, as `immediate` has them if there is none. */
function startResponses(immediate: Immediate | undefined): Record<number, Described> {
  const { 200: ended, 201: created, 303: seeOther } = taskResponses
  const own = immediate?.responses ?? {}
  return {
    201: created,
    202: acceptedResponse,
    303: seeOther,
    ...own,
    200: own[200] ? either(own[200], ended) : ended,
  }
}

function laneOf({ lane, name }: OperationContract): Lane {
  return { lane, operation: name }
}

/** The collection that a path is of: `/cars/{car_id}` is listed under `cars`. */
function tagOf(path: string): string {
  return path.split('/').findLast((part) => part && !part.startsWith('{'))!
}

/** The members of the input that the path names, and the others. */
function splitInput({ route, input }: OperationContract) {
  const named = new Set(pathMembers(route))
  const pick = (inPath: boolean): TProperties =>
    Object.fromEntries(
      Object.entries(input.properties).filter(([name]) => named.has(name) === inPath),
    ) as Record<string, TSchema>
  const { required = [], properties: _, ...others } = input as typeof input & { required?: string[] }
  const rest = { ...others, properties: pick(false), required: required.filter((name) => !named.has(name)) }
  return { params: named.size > 0 ? Type.Object(pick(true)) : undefined, rest: rest as typeof input }
}

/** The members of a body as they are told: those of the callback options are taken out of it before the others are checked. */
function withCallbackMembers<Input extends OperationContract['input']>(input: Input): Input {
  return { ...input, properties: { ...input.properties, ...CallbackMembers.properties } }
}

/** Creates the task that a request asks for and answers with it, or with the task of the same Idempotency-Key. */
async function startTask(
  request: FastifyRequest,
  reply: FastifyReply,
  contract: OperationContract,
  deps: StartDependencies,
) {
  const headers = request.headers as unknown as StartHeaders
  const asked = readCallbackOptions(request.callbackMembers ?? {}, headers)
  refuseFaults(request.validationError, asked)
  const { style: _, ...query } = request.query as StyleQuery & Record<string, unknown>
  const params = { ...(request.params as object), ...query }
  const body = (request.body ?? {}) as object
  refuseContradictions(contract, { ...body, ...params })

  const key = idempotencyKey(headers['idempotency-key'])
  const limits = limitsOf(contract, cancelAfterMs(headers['cancel-after']))
  const maxQueue = headers['max-queue'] ?? Number.POSITIVE_INFINITY
  const callback =
    asked.outcome === 'asked'
      ? await permittedCallback(asked, deps.callbacks, deps.styles().publicUrl)
      : undefined
  const outcome = await deps.submissions.create({
    tenant: request.tenant,
    operation: contract.name,
    lane: contract.lane,
    priority: headers['task-priority'],
    head: headOf(request, contract, params, callback),
    body: request.bodyText,
    limits,
    maxBacklog: deps.maxBacklog,
    maxQueue,
    ...(deps.quotas ? { quotas: deps.quotas } : {}),
    actedBy: request.actedBy,
    ...(key === undefined
      ? {}
      : { idempotency: { key, fingerprint: fingerprint(request, params, headers, callback) } }),
  })

  switch (outcome.outcome) {
    case 'created': {
      const { task, position } = outcome
      request.log.info(
        { task: task.taskId, operation: contract.name, trace: task.head.traceparent.split('-')[1] },
        'task accepted',
      )
      return answerStarted(request, reply, { outcome: 'task', task, position }, task.createdMs, deps)
    }
    case 'exists': {
      const existing = await deps.reader.read(request.tenant, outcome.taskId)
      if (existing.outcome !== 'task') throw goneProblem(outcome.taskId, existing)
      return answerStarted(request, reply, existing, existing.task.updatedMs, deps)
    }
    case 'conflict':
      throw new ProblemError('idempotency_conflict', 'This Idempotency-Key was used for another request.', {
        errors: [{ header: 'idempotency-key', detail: 'belongs to another request' }],
      })
    case 'backlog_full':
      request.refusedByMaxQueue = outcome.waiting < deps.maxBacklog
      throw await deps.fullLanes.refusal(laneOf(contract), outcome.waiting, maxQueue)
    case 'never_fits':
      throw neverFits(outcome)
    case 'over_quota':
      throw quotaExceeded(outcome, await deps.fullLanes.whenTaken(laneOf(contract), outcome.takes))
  }
}

/** @throws {ProblemError} with what validation found, and what the callback options have, all at once */
function refuseFaults(found: Error | undefined, asked: AskedCallback): void {
  if (found && !(found instanceof ProblemError && found.code === 'invalid_input')) throw found
  const faults = [...(found?.options.errors ?? []), ...(asked.outcome === 'faulty' ? asked.faults : [])]
  if (faults.length > 0) throw invalidInput(faults)
}

function refuseContradictions(contract: OperationContract, input: object): void {
  const faults = contract.check?.(input as never) ?? []
  if (faults.length === 0) return
  const inPath = new Set(pathMembers(contract.route))
  const inQuery = contract.route.startsWith('GET')
  throw invalidInput(
    faults.map(({ member, detail }) =>
      inPath.has(member) || inQuery ? { query: member, detail } : { pointer: `#/${member}`, detail },
    ),
  )
}

function headOf(
  request: FastifyRequest,
  contract: OperationContract,
  params: Record<string, unknown>,
  callback: Callback | undefined,
): TaskHead {
  const header: Record<string, string> = {}
  for (const name of SHOWN_HEADERS) {
    const value = request.headers[name]
    if (typeof value === 'string') header[name] = value.slice(0, SHOWN_FIELD_MAX_CHARACTERS)
  }
  return {
    resource: request.url.split('?')[0]!,
    verb: request.method,
    header,
    params,
    steps: contract.steps,
    ...(contract.collection ? { collection: contract.collection } : {}),
    requestId: request.id,
    traceparent: traceparentOf(request),
    ...(callback ? { callback } : {}),
  }
}

/** The request as an Idempotency-Key binds it: method, path, input, and the options that change its task. */
function fingerprint(
  request: FastifyRequest,
  params: object,
  headers: StartHeaders,
  callback: Callback | undefined,
): string {
  return fingerprintOf({
    method: request.method,
    path: request.url.split('?')[0]!,
    body: [request.body ?? null, params],
    options: {
      priority: String(headers['task-priority']),
      maxQueue: String(headers['max-queue'] ?? ''),
      cancelAfter: String(cancelAfterMs(headers['cancel-after']) ?? ''),
      ...(callback ? { callback: [callback.url, ...[...callback.events].sort()].join(' ') } : {}),
    },
  })
}
