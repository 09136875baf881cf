import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { describedResponse, type OpenapiDocument, type OpenapiResponse } from './openapi-document.ts'

/** An answer that a test has seen. */
export interface SeenResponse {
  method: string
  /** With or without its query. */
  path: string
  status: number
  headers: Headers | Record<string, string | number | readonly string[] | undefined>
  /** Empty if there was none; undefined if nobody has looked, as at a stream. */
  body?: string | Uint8Array | undefined
}

/** An answer that is not as the OpenAPI document says. */
export class ResponseMismatch extends Error {
  override name = 'ResponseMismatch'
  readonly faults: string[]

  constructor({ method, path, status }: SeenResponse, faults: string[]) {
    super([`${method} ${path} answered ${status}, but by openapi.json`, ...faults].join('\n  '))
    this.faults = faults
  }
}

/** Header fields of HTTP itself, which a document need not describe. */
const PLAIN_HEADERS = new Set([
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'transfer-encoding',
])
const MOST_FAULTS = 12

/**
 * Makes a check of values against schemas of an OpenAPI document. Stricter than the document in one way: where a schema names
 * members, others are faults too, though clients must ignore them.
 *
 * @returns a function that tells the faults of a value, in words
 */
export function valueChecker(document: OpenapiDocument): FaultsOf {
  const ajv = formats.default(new Ajv2020({ allErrors: true, strict: true, strictTypes: false }))
  ajv.addSchema({ $id: 'openapi.json', $defs: closed(document.components.schemas) as object })
  const compiled = new WeakMap<object, ValidateFunction>()
  return (schema, value) => {
    const validate = compiled.get(schema) ?? ajv.compile(closed(schema) as object)
    compiled.set(schema, validate)
    return validate(value) ? [] : validate.errors!.map(inWords)
  }
}

/**
 * Makes a check of answers against an OpenAPI document: status, media type, body, header fields.
 *
 * @returns a function that throws a `ResponseMismatch`, in words, if the answer is not as described
 */
export function responseChecker(document: OpenapiDocument): (seen: SeenResponse) => void {
  const faultsOf = valueChecker(document)
  return (seen) => {
    const method = seen.method.toUpperCase()
    const response = describedResponse(document, method, seen.path.split('?')[0]!, seen.status)
    const headers = headersOf(seen.headers)
    const faults = response
      ? [
          ...headerFaults(response, headers, faultsOf),
          ...bodyFaults(response, method, headers.get('content-type'), seen.body, faultsOf),
        ]
      : ['the status is not described']
    if (faults.length > 0) throw new ResponseMismatch(seen, faults.slice(0, MOST_FAULTS))
  }
}

type FaultsOf = (schema: object, value: unknown) => string[]

function headersOf(headers: SeenResponse['headers']): Map<string, string> {
  const entries =
    headers instanceof Headers || Symbol.iterator in headers
      ? [...(headers as Headers)]
      : Object.entries(headers)
  return new Map(
    entries
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : String(value)]),
  )
}

function headerFaults(
  { headers: described = {} }: OpenapiResponse,
  sent: Map<string, string>,
  faultsOf: FaultsOf,
): string[] {
  const known = new Set(Object.keys(described).map((name) => name.toLowerCase()))
  const strangers = [...sent.keys()].filter((name) => !known.has(name) && !PLAIN_HEADERS.has(name))
  return [
    ...strangers.map((name) => `header ${name}: is not described (${sent.get(name)})`),
    ...Object.entries(described).flatMap(([name, { required, schema }]) => {
      const value = sent.get(name.toLowerCase())
      if (value === undefined) return required ? [`header ${name}: is missing`] : []
      return faultsOf(schema, fieldValue(value, schema)).map((fault) => `header ${name}${fault} (${value})`)
    }),
  ]
}

/** The value of a header field: text, or the number that its schema wants. */
function fieldValue(text: string, schema: object): unknown {
  return 'type' in schema && schema.type === 'integer' && /^-?\d+$/.test(text) ? Number(text) : text
}

function bodyFaults(
  { content }: OpenapiResponse,
  method: string,
  contentType: string | undefined,
  body: SeenResponse['body'],
  faultsOf: FaultsOf,
): string[] {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  if (!content) {
    if (contentType !== undefined) return [`content-type: ${contentType}, though no body is described`]
    return bytes?.length ? [`body: there is one, of ${bytes.length} bytes`] : []
  }
  const mediaType = (contentType ?? '').replace(/;.*$/, '').trim().toLowerCase()
  const media = content[mediaType]
  if (!media) return [`content-type: ${contentType} is not described; ${Object.keys(content).join(', ')} is`]
  if (method === 'HEAD') return bytes?.length ? ['body: HEAD has none'] : []
  if (bytes === undefined || !/[/+]json$/.test(mediaType)) return []
  const value = parsed(bytes)
  return value === NOT_JSON
    ? ['body: is not JSON']
    : faultsOf(media.schema, value).map((fault) => `body${fault}`)
}

const NOT_JSON = Symbol('not JSON')

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return NOT_JSON
  }
}

/** Keywords whose values are data, not schemas. */
const DATA = new Set(['const', 'default', 'enum', 'example', 'examples'])

/** A schema in which objects have no members but those it names; references lead into `openapi.json`. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed)
  if (typeof node !== 'object' || node === null) return node
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(node)) {
    if (DATA.has(key)) copy[key] = value
    else if (key === '$ref') copy[key] = value.replace('#/components/schemas/', 'openapi.json#/$defs/')
    else copy[key] = closed(value)
  }
  const open = !('additionalProperties' in copy) && !('unevaluatedProperties' in copy)
  return 'properties' in copy && copy.type === 'object' && open
    ? { ...copy, unevaluatedProperties: false }
    : copy
}

function inWords({ instancePath, message, params, keyword }: ErrorObject): string {
  if (keyword === 'unevaluatedProperties') {
    return `${instancePath}: the member ${params.unevaluatedProperty} is not described`
  }
  const allowed = keyword === 'enum' ? ` (${params.allowedValues.join(', ')})` : ''
  return `${instancePath}: ${message}${allowed}`
}
