import { PROBLEMS, type ProblemCode } from '@accepted/contract'
import { type TSchema, Type } from 'typebox'

/** The description of a header field, as @fastify/swagger takes it. */
type HeaderDescription = {
  type: 'string' | 'integer'
  description: string
  format?: string
  examples?: string[]
}

/** Every response header that this API sends, by its name. */
const HEADERS = {
  'X-Request-Id': {
    type: 'string',
    description: "Names this request in the logs; the caller's own if it sent one",
  },
  Location: { type: 'string', description: 'Where to go on: the task, or the resource that it made' },
  'Operation-Location': { type: 'string', format: 'uri', description: 'The task in the `operation` style' },
  'Content-Location': { type: 'string', description: 'The task that the body describes' },
  'Retry-After': { type: 'integer', description: 'Seconds to wait before asking again; adaptive' },
  Wait: { type: 'integer', description: 'The same estimate before its lower bound: may be 0' },
  ETag: { type: 'string', description: 'Version and style of what is shown', examples: ['W/"7-monitor"'] },
  'Cache-Control': { type: 'string', description: 'How it may be kept' },
  Vary: { type: 'string', description: 'Which request fields the answer depends on' },
  Sunset: { type: 'string', description: 'When the task expires (RFC 8594)' },
  Link: { type: 'string', description: 'Web links (RFC 8288)' },
  'Preference-Applied': { type: 'string', description: 'The preferences that were honoured (RFC 7240)' },
  Allow: { type: 'string', description: 'The methods that the resource has' },
  'Accept-Ranges': { type: 'string', description: 'That ranges may be asked for' },
  'Content-Range': { type: 'string', description: 'Which bytes these are' },
  'Content-Length': { type: 'integer', description: 'Size in bytes' },
  'Content-Disposition': { type: 'string', description: 'The name to save it under' },
} as const satisfies Record<string, HeaderDescription>
export type HeaderName = keyof typeof HEADERS

function headers(names: readonly HeaderName[]): Record<string, HeaderDescription> {
  return Object.fromEntries(['X-Request-Id' as const, ...names].map((name) => [name, HEADERS[name]]))
}

/** A response with a body. */
export function response(
  description: string,
  schema: TSchema,
  names: readonly HeaderName[] = [],
  mediaType = 'application/json',
) {
  return { description, headers: headers(names), content: { [mediaType]: { schema } } }
}

/** A response without a body. */
export function emptyResponse(description: string, names: readonly HeaderName[] = []) {
  return { type: 'null', description, headers: headers(names) }
}

/** What any route may answer, whatever it does. */
const ALWAYS = [
  'malformed_request',
  'not_acceptable',
  'header_too_large',
  'internal',
] as const satisfies ProblemCode[]

const PROBLEM_HEADERS: Partial<Record<number, HeaderName[]>> = {
  405: ['Allow'],
  416: ['Content-Range'],
  503: ['Retry-After'],
}

/** The problem responses of a route, by status, besides those that any route has. */
export function problemResponses(...codes: ProblemCode[]) {
  const byStatus = new Map<number, string[]>()
  for (const code of new Set<ProblemCode>([...ALWAYS, ...codes])) {
    const { status, title } = PROBLEMS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), `\`${code}\`: ${title}`])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, lines]) => [
      status,
      response(lines.join('\n\n'), Type.Ref('Problem'), PROBLEM_HEADERS[status], 'application/problem+json'),
    ]),
  )
}

const READ_HEADERS = ['ETag', 'Cache-Control', 'Vary', 'Link'] as const

/** The answers to a read of a task in the styles of the task family. */
export const taskResponses = {
  200: response('The task ended, or (in `see-other`) goes on', Type.Ref('StyledTask'), [
    ...READ_HEADERS,
    'Retry-After',
    'Sunset',
    'Preference-Applied',
    'Operation-Location',
  ]),
  201: response('`created`: the task completed and made a resource', Type.Ref('StyledTask'), [
    ...READ_HEADERS,
    'Location',
    'Sunset',
    'Preference-Applied',
  ]),
  202: response('The task has not ended', Type.Ref('StyledTask'), [
    ...READ_HEADERS,
    'Location',
    'Retry-After',
    'Wait',
    'Preference-Applied',
  ]),
  303: response('The task completed and made a resource', Type.Ref('StyledTask'), [
    ...READ_HEADERS,
    'Location',
    'Sunset',
    'Preference-Applied',
  ]),
  304: emptyResponse('It has not changed', [...READ_HEADERS, 'Retry-After', 'Sunset', 'Preference-Applied']),
}

/** The answers of a route that starts a task. */
export const startResponses = {
  202: response(
    'The task is accepted and durable',
    Type.Union([Type.Ref('StyledTask'), Type.Ref('Operation')]),
    [
      'Location',
      'Operation-Location',
      'Content-Location',
      'Retry-After',
      'Wait',
      'Preference-Applied',
      'Vary',
    ],
  ),
  ...problemResponses('gone', 'invalid_input', 'idempotency_conflict', 'backlog_full', 'store_unavailable'),
}
