import {
  type InputSchema,
  isOpenToAll,
  type OpenapiDocument,
  type OpenapiOperation,
  type OpenapiParameter,
} from '@accepted/api/testing'
import fc, { type Arbitrary } from 'fast-check'
import { nearlyValid, ODD_TEXTS, valid } from './values.ts'
import { CALLBACKS, STRAY_FIELDS, WORDS } from './words.ts'

/** Who asks: two tenants, one with an administrator and a key that only reads, too, and those whom nobody knows. */
export type Caller = 'north' | 'south' | 'north, admin' | 'north, reading' | 'nobody' | 'a stranger' | 'junk'

/** An id in a path: one that was told by an answer, to whoever asks or to the other tenant, or a text. */
export type Id = { of: 'own' | 'the other'; at: number } | { text: string }

/** A request, ids and tags that come from answers left open. */
export interface FuzzRequest {
  caller: Caller
  operationId: string
  /** Whether the route is open to all. */
  isOpen: boolean
  method: string
  path: string
  ids: Record<string, Id>
  query: [string, string][]
  /** Which cursor of those that were seen, the last one first. */
  cursor: number | null
  headers: Record<string, string>
  /** Which ETag of those that were seen, for If-None-Match. */
  tag: number | null
  body: Body | null
}
export interface Body {
  type: string
  text: string
}

type Route = OpenapiOperation & { path: string; method: string }

const JSON_TYPE = 'application/json'
const NDJSON = 'application/x-ndjson'

/** Requests of any operation of the document, half of them in order but for who asks of what, half of them not. */
export function requestsOf(document: OpenapiDocument): Arbitrary<FuzzRequest> {
  const routes = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      return { ...operation, path, method: method.toUpperCase() }
    }),
  )
  return fc.oneof(
    ...routes.flatMap((route) => {
      const weight = route.requestBody ? 6 : isOpenToAll(route) ? 1 : 3
      return [fairRequest(route), foulRequest(route)].map((arbitrary) => ({ weight, arbitrary }))
    }),
  )
}

function fairRequest(route: Route): Arbitrary<FuzzRequest> {
  return fc.record({
    ...common(route),
    caller: fc.constantFrom<Caller>('north', 'north', 'north, admin', 'south', 'south', 'north, reading'),
    method: fc.constant(route.method),
    ids: idsOf(route, (schema) => [[1, valid(schema)]]),
    query: fieldsOf(parametersIn(route, 'query'), ({ schema }) => valid(schema)),
    headers: fieldsOf(parametersIn(route, 'header'), ({ name, schema }) => fairField(name, schema)).map(
      asFields,
    ),
    body: bodyOf(route, fairBody),
  })
}

function foulRequest(route: Route): Arbitrary<FuzzRequest> {
  const either = (schema: InputSchema) =>
    fc.oneof({ weight: 3, arbitrary: valid(schema) }, nearlyValid(schema))
  const query = fieldsOf(parametersIn(route, 'query'), ({ schema }) => either(schema))
  const stray = fc.tuple(
    fc.constantFrom('style', 'limit[]', '__proto__', 'x', '', '%'),
    fc.constantFrom(...ODD_TEXTS),
  )
  const fields = fieldsOf(parametersIn(route, 'header'), ({ name, schema }) => foulField(name, schema))
  const strayFields = Object.entries(STRAY_FIELDS).map(([name, words]) =>
    fc.tuple(fc.constant(name), fc.constantFrom(...words)),
  )
  return fc.record({
    ...common(route),
    caller: fc.constantFrom<Caller>(
      'north',
      'north, admin',
      'south',
      'north, reading',
      'nobody',
      'a stranger',
      'junk',
    ),
    method: fc.oneof(
      { weight: 4, arbitrary: fc.constant(route.method) },
      fc.constantFrom('HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'POST', 'GET'),
    ),
    ids: idsOf(route, (schema) => [[3, nearlyValid(schema)]]),
    query: fc.oneof({ weight: 5, arbitrary: query }, fc.array(stray, { maxLength: 20 })),
    headers: fc
      .tuple(fields, fc.array(fc.oneof(...strayFields), { maxLength: 2 }))
      .map((all) => asFields(all.flat())),
    body: bodyOf(route, foulBody),
  })
}

function common(route: Route) {
  const seldom = fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, fc.nat(9))
  return {
    operationId: fc.constant(route.operationId),
    isOpen: fc.constant(isOpenToAll(route)),
    path: fc.constant(route.path),
    cursor: seldom,
    tag: seldom,
  }
}

function parametersIn({ parameters = [] }: Route, place: string): OpenapiParameter[] {
  return parameters.filter((parameter) => parameter.in === place)
}

/** @param others what may stand in a path instead of an id that is known, by weight */
function idsOf(
  route: Route,
  others: (schema: InputSchema) => [number, Arbitrary<unknown>][],
): Arbitrary<Record<string, Id>> {
  const known = (of: 'own' | 'the other') => fc.record({ of: fc.constant(of), at: fc.nat(1_000) })
  const ids = parametersIn(route, 'path').map(({ name, schema }) => [
    name,
    fc.oneof(
      { weight: 8, arbitrary: known('own') },
      { weight: 3, arbitrary: known('the other') },
      ...others(schema).map(([weight, texts]) => ({
        weight,
        arbitrary: textOf(texts).map((text) => ({ text })),
      })),
    ),
  ])
  return fc.record(Object.fromEntries(ids))
}

/** A few of these parameters, some more than once. */
function fieldsOf(
  parameters: OpenapiParameter[],
  valuesOf: (parameter: OpenapiParameter) => Arbitrary<unknown>,
): Arbitrary<[string, string][]> {
  if (parameters.length === 0) return fc.constant([])
  const fields = parameters.map((parameter) =>
    fc.tuple(fc.constant(parameter.name), textOf(valuesOf(parameter))),
  )
  return fc.array(fc.oneof(...fields), { maxLength: 3 })
}

/** What a query or a header can have of a value. */
function textOf(values: Arbitrary<unknown>): Arbitrary<string> {
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
}

function fairField(name: string, schema: InputSchema): Arbitrary<unknown> {
  return WORDS[name] ? fc.constantFrom(...WORDS[name][0]) : valid(schema)
}

function foulField(name: string, schema: InputSchema): Arbitrary<unknown> {
  const own = fc.oneof(valid(schema), nearlyValid(schema))
  return WORDS[name] ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...WORDS[name].flat()) }, own) : own
}

/** Fields as a client can send them at all. */
function asFields(fields: [string, string][]): Record<string, string> {
  return Object.fromEntries(
    fields.map(([name, value]) => [name, value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?').slice(0, 5_000)]),
  )
}

function bodyOf(
  { requestBody }: Route,
  jsonOf: (schema: InputSchema) => Arbitrary<string>,
): Arbitrary<Body | null> {
  if (!requestBody) return fc.constant(null)
  const json = jsonOf(requestBody.content[JSON_TYPE]!.schema)
  const body = json.map((text) => ({ type: JSON_TYPE, text }))
  if (!(NDJSON in requestBody.content)) return body
  // A line is what the body is as JSON.
  const lines = fc.array(json, { minLength: 1, maxLength: 5 })
  return fc.oneof(
    body,
    lines.map((all) => ({ type: NDJSON, text: all.join('\n') })),
  )
}

function fairBody(schema: InputSchema): Arbitrary<string> {
  const { callback_url: url, callback_events: _, ...properties } = schema.properties ?? {}
  const callbacks = url ? fc.constantFrom(...CALLBACKS) : fc.constant({})
  return fc
    .tuple(valid({ ...schema, properties }), callbacks)
    .map(([value, members]) => JSON.stringify({ ...(value as object), ...members }))
}

/** JSON text of what nearly fits, or text that is hardly JSON. */
function foulBody(schema: InputSchema): Arbitrary<string> {
  const fits = valid(schema).map((value) => JSON.stringify(value))
  const broken = [
    '',
    'null',
    '[]',
    '"',
    '{"a":1}}',
    '['.repeat(100),
    `{"a":${'[1],'.repeat(20_000)}`,
    `"${'x'.repeat(1_000_000)}"`,
  ]
  return fc.oneof(
    { weight: 8, arbitrary: nearlyValid(schema).map((value) => JSON.stringify(value)) },
    fc.tuple(fits, fc.nat(200)).map(([text, at]) => text.slice(0, at)),
    fits.map((text) => `\ufeff ${text.replace('{', '{"brand":1,')}`),
    fits.map((text) => text.replace(/\d+/, '1e999')),
    fc.constantFrom(...broken),
  )
}
