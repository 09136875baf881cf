import type { Exemption } from './lint.ts'

const EVERYWHERE = ['#']

/** The routes that anyone may ask. */
const OPEN_ROUTES = [
  '#/paths/~1.well-known~1jwks.json',
  '#/paths/~1healthz',
  '#/paths/~1openapi.json',
  '#/paths/~1problems',
  '#/paths/~1problems~1{code}',
  '#/paths/~1readyz',
]

/** What those answer that they share. */
const OPEN_ANSWERS = [
  '#/components/responses/Problem.expectation_failed',
  '#/components/responses/Problem.header_too_large',
  '#/components/responses/Problem.malformed_request',
  '#/components/responses/Problem.method_not_allowed',
  '#/components/responses/Problem.misdirected',
  '#/components/responses/Problem.not_acceptable',
  '#/components/responses/Problem.not_found',
  '#/components/responses/Problem.request_timeout',
  '#/components/responses/Problem.too_many_pipelined',
  '#/components/responses/Problem.unsupported_media_type',
  '#/components/responses/Problem.uri_too_long',
]

/** What monitoring asks is not counted either, and what it answers alone. */
const UNCOUNTED = [
  '#/paths/~1metrics',
  '#/components/responses/Problem.forbidden',
  '#/components/responses/Problem.unauthenticated',
]

const ANY: readonly Exemption[] = [
  {
    rule: 'owasp:api4:2023-string-limit',
    places: ['#/paths/~1tasks~1{task_id}~1events/get/responses/200/content/text~1event-stream'],
  },
  {
    rule: 'owasp:api4:2023-string-restricted',
    places: ['#/paths/~1orders~1reports~1{report_id}/get/responses/206/content/application~1pdf'],
  },
]

/** Where keys are asked for. */
export const WITH_KEYS: readonly Exemption[] = [
  ...ANY,
  { rule: 'owasp:api8:2023-define-error-responses-401', places: OPEN_ROUTES },
  { rule: 'owasp:api4:2023-rate-limit', places: [...OPEN_ROUTES, ...OPEN_ANSWERS, ...UNCOUNTED] },
]

/** Where nobody is asked for a key (`AUTH=none`). */
export const WITHOUT_KEYS: readonly Exemption[] = [
  ...ANY,
  { rule: 'owasp:api8:2023-define-error-responses-401', places: EVERYWHERE },
  { rule: 'owasp:api4:2023-rate-limit', places: EVERYWHERE },
]
