import { CREATED_WORDS, PROBLEMS, type ProblemCode, TASK_EXAMPLE } from '@accepted/contract'
import { type TSchema, Type } from 'typebox'
import { ALWAYS_SENT, type HeaderDescription, type HeaderUse, headers } from './response-headers.ts'

/** A response as a route's schema has it. */
export interface Described {
  description: string
  headers: Record<string, HeaderDescription>
  content: Record<string, { schema: TSchema; example?: unknown }>
}

/** A response with a body. */
export function response(
  description: string,
  schema: TSchema,
  uses: readonly HeaderUse[] = [],
  { mediaType = 'application/json', example }: { mediaType?: string; example?: unknown } = {},
): Described {
  const media = { schema, ...(example === undefined ? {} : { example }) }
  return { description, headers: headers(uses), content: { [mediaType]: media } }
}

/** A response in JSON that is the one or the other: a header field is always sent only if both have it. */
export function either(one: Described, other: Described): Described {
  const both = { ...other.headers, ...one.headers }
  const ofBoth = (name: string) => name in one.headers && name in other.headers
  const json = 'application/json'
  return {
    description: `${one.description}. Or: ${other.description}`,
    headers: Object.fromEntries(
      Object.entries(both).map(([name, header]) => [
        name,
        ofBoth(name) ? header : { ...header, [ALWAYS_SENT]: false },
      ]),
    ),
    content: { [json]: { schema: Type.Union([one.content[json]!.schema, other.content[json]!.schema]) } },
  }
}

/** A response without a body. */
export function emptyResponse(description: string, uses: readonly HeaderUse[] = []) {
  return { type: 'null', description, headers: headers(uses) }
}

/** What any route may answer, whatever it does. */
const ANY_ROUTE = [
  'malformed_request',
  'method_not_allowed',
  'not_acceptable',
  'request_timeout',
  'uri_too_long',
  'unsupported_media_type',
  'expectation_failed',
  'misdirected',
  'too_many_pipelined',
  'header_too_large',
  'internal',
  'too_many_connections',
] as const satisfies ProblemCode[]

/** What a route that reads a body may answer besides. */
export const BODY_PROBLEMS = ['malformed_json', 'too_large'] as const satisfies ProblemCode[]

/** What a route that asks the task store may answer besides. */
export const STORE_PROBLEMS = ['store_unavailable', 'outdated_process'] as const satisfies ProblemCode[]

/** What a route that starts tasks may answer besides. */
export const START_PROBLEMS = [
  'gone',
  'invalid_input',
  'idempotency_conflict',
  'backlog_full',
  'quota_exceeded',
  ...STORE_PROBLEMS,
] as const satisfies ProblemCode[]

const PROBLEM_HEADERS: Partial<Record<number, HeaderUse[]>> = {
  401: ['WWW-Authenticate'],
  403: ['WWW-Authenticate'],
  405: ['Allow'],
  416: ['Content-Range', 'Accept-Ranges', 'ETag', 'Cache-Control'],
  429: ['Retry-After'],
  503: ['Retry-After'],
}

/** The problem responses of a route, by status, with those that any route has. */
export function problemResponses(...codes: ProblemCode[]) {
  return problemsBy('Problem', codes)
}

/** The same of a route under `/operations`, where problems leave out the numeric `status`. */
export function operationProblemResponses(...codes: ProblemCode[]) {
  return problemsBy('OperationProblem', codes)
}

/** The responses of a route with further problems among its own. */
export function withProblems(
  responses: object,
  document: 'Problem' | 'OperationProblem',
  codes: readonly ProblemCode[],
) {
  const own = Object.values(responses as Record<string, Partial<ProblemResponse>>).flatMap(({ content }) =>
    Object.keys(content?.['application/problem+json']?.examples ?? {}),
  )
  return { ...responses, ...problemsBy(document, [...(own as ProblemCode[]), ...codes]) }
}

/** The responses of a route with further header fields on each. */
export function withHeaders(responses: object, uses: readonly HeaderUse[]) {
  return Object.fromEntries(
    Object.entries(responses as Record<string, Partial<Described>>).map(([status, described]) => [
      status,
      { ...described, headers: { ...described.headers, ...headers(uses) } },
    ]),
  )
}

type ProblemResponse = ReturnType<typeof problemsBy>[string]

function problemsBy(document: 'Problem' | 'OperationProblem', codes: ProblemCode[]) {
  const byStatus = Map.groupBy(
    new Set<ProblemCode>([...ANY_ROUTE, ...codes]),
    (code) => PROBLEMS[code].status,
  )
  return Object.fromEntries(
    [...byStatus].map(([status, kinds]) => [
      status,
      {
        description: kinds.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('\n\n'),
        headers: headers(PROBLEM_HEADERS[status] ?? []),
        content: {
          'application/problem+json': {
            schema: Type.Ref(document),
            examples: Object.fromEntries(kinds.map((code) => [code, problemExample(code, document)])),
          },
        },
      },
    ]),
  )
}

/** What problems of a kind say besides what all say. */
const EXAMPLE_MEMBERS: Partial<Record<ProblemCode, object>> = {
  invalid_input: { errors: [{ pointer: '#/model', detail: 'must be integer' }] },
  idempotency_conflict: { errors: [{ header: 'idempotency-key', detail: 'belongs to another request' }] },
  quota_exceeded: { quota: 'waiting', limit: 10_000, used: 10_000 },
  polling_too_fast: { quota: 'polls' },
  not_ended: { task_status: 'running' },
  gone: {
    task_status: 'completed',
    reason: null,
    finished_at: '2026-11-21T10:00:04.512Z',
    resource: '/cars/0199a1b2-6f00-7d1e-9c55-2b7d90aa31c4',
  },
}

function problemExample(code: ProblemCode, document: 'Problem' | 'OperationProblem') {
  const { status, title, explanation } = PROBLEMS[code]
  return {
    summary: title,
    value: {
      type: `https://accepted.example/problems/${code}`,
      title,
      ...(document === 'Problem' ? { status } : {}),
      detail: explanation.split(/(?<=\.) /)[0],
      code,
      ...EXAMPLE_MEMBERS[code],
    },
  }
}

const READ_HEADERS = ['ETag', 'Cache-Control', 'Vary', 'Link'] as const

const CAR_PATH = '/cars/0199a1b2-6f00-7d1e-9c55-2b7d90aa31c4'
const COMPLETED = {
  ...TASK_EXAMPLE,
  version: 9,
  status: 'completed',
  progress: 100,
  eta: 0,
  workflow: { stamp: 'finished', weld: 'finished', paint: 'finished' },
  result: {
    car_id: CAR_PATH.split('/').at(-1),
    ...TASK_EXAMPLE.request.body,
    built_at: '2026-11-21T10:00:04.510Z',
    reserved_by: null,
  },
  resource: CAR_PATH,
  attempts: [{ ...TASK_EXAMPLE.attempts[0], ended_at: '2026-11-21T10:00:04.512Z' }],
  updated_at: '2026-11-21T10:00:04.512Z',
  finished_at: '2026-11-21T10:00:04.512Z',
  expires_at: '2026-11-22T10:00:04.512Z',
  links: [...TASK_EXAMPLE.links, { rel: 'cars', href: CAR_PATH, method: 'GET' }],
}
const FAILED = {
  ...COMPLETED,
  version: 7,
  status: 'failed',
  reason: 'permanent_error',
  progress: 33,
  workflow: { stamp: 'finished', weld: 'failed', paint: 'not started' },
  result: null,
  resource: null,
  error: {
    type: '/problems/permanent_error',
    title: 'The operation cannot succeed',
    code: 'permanent_error',
    message: 'This model was never made in this color.',
  },
  links: TASK_EXAMPLE.links,
}

/** The answers to a read of a task in any style. */
export const taskResponses = {
  200: response(
    'The task ended, or (in the styles `see-other` and `operation`) goes on',
    Type.Union([Type.Ref('StyledTask'), Type.Ref('Operation')]),
    [...READ_HEADERS, 'Retry-After?', 'Sunset?', 'Preference-Applied?', 'Operation-Location?'],
    { example: FAILED },
  ),
  201: response(
    'Style `created`: the task completed and made a resource',
    Type.Ref('StyledTask'),
    [...READ_HEADERS, 'Location', 'Sunset', 'Preference-Applied?'],
    {
      example: {
        ...COMPLETED,
        status: CREATED_WORDS.completed,
        links: COMPLETED.links.map((link) =>
          link.rel === 'self' ? { ...link, href: `${link.href}?style=created` } : link,
        ),
      },
    },
  ),
  202: response('Styles `monitor` and `created`: the task has not ended', Type.Ref('StyledTask'), [
    ...READ_HEADERS,
    'Location',
    'Retry-After',
    'Wait?',
    'Preference-Applied?',
  ]),
  303: response(
    'Styles `monitor` and `see-other`: the task completed and made a resource',
    Type.Ref('StyledTask'),
    [...READ_HEADERS, 'Location', 'Sunset', 'Preference-Applied?'],
    { example: COMPLETED },
  ),
  304: emptyResponse('It has not changed', [
    ...READ_HEADERS,
    'Retry-After?',
    'Sunset?',
    'Preference-Applied?',
    'Operation-Location?',
  ]),
}

const PENDING = {
  ...TASK_EXAMPLE,
  version: 1,
  status: 'pending',
  progress: 0,
  eta: 5,
  queue_position: 0,
  workflow: { stamp: 'not started', weld: 'not started', paint: 'not started' },
  attempt: 0,
  attempts: [],
  started_at: null,
  updated_at: TASK_EXAMPLE.created_at,
}

/** The answer of a route that has started a task. */
export const acceptedResponse = response(
  'The task is accepted and durable; or, with the Idempotency-Key of an earlier request, this is its task as it is now',
  Type.Union([Type.Ref('StyledTask'), Type.Ref('Operation')]),
  [
    'Location',
    'Operation-Location',
    'Content-Location',
    'Retry-After',
    'Wait',
    'Vary',
    'Preference-Applied?',
  ],
  { example: PENDING },
)
