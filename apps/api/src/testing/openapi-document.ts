/** An OpenAPI 3.1 document, as far as answers are checked by it and requests are made of it. */
export interface OpenapiDocument {
  openapi: string
  paths: Record<string, Record<string, OpenapiOperation>>
  webhooks?: Record<string, { post: OpenapiWebhook }>
  components: { schemas: Record<string, object>; responses?: Record<string, OpenapiResponse> }
}

export interface OpenapiOperation {
  operationId: string
  /** Who may ask, as alternatives. */
  security?: object[]
  parameters?: OpenapiParameter[]
  requestBody?: { content: Record<string, { schema: InputSchema }> }
  responses: Record<string, OpenapiResponse | { $ref: string }>
}

export interface OpenapiParameter {
  name: string
  in: 'path' | 'query' | 'header'
  schema: InputSchema
  example?: string
}

/** The schema of a value of a request. */
export interface InputSchema {
  type?: string
  const?: unknown
  anyOf?: InputSchema[]
  enum?: unknown[]
  pattern?: string
  format?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  items?: InputSchema
  properties?: Record<string, InputSchema>
  required?: string[]
  additionalProperties?: boolean
  examples?: unknown[]
}

/** Whether anyone may ask: nothing is wanted, or an alternative wants nothing. */
export function isOpenToAll({ security = [] }: Pick<OpenapiOperation, 'security'>): boolean {
  return security.every((requirement) => Object.keys(requirement).length === 0)
}

/** What this service sends to others. */
export interface OpenapiWebhook {
  parameters: { name: string; in: string; required: boolean; schema: object }[]
  requestBody: { content: Record<string, { schema: object }> }
  responses: Record<string, OpenapiResponse>
}

export interface OpenapiResponse {
  description: string
  headers?: Record<string, { required?: boolean; schema: object }>
  content?: Record<string, { schema: object; examples?: object }>
}

/**
 * What the document says of an answer; undefined if nothing. HEAD is answered as GET. A method or path that the document
 * does not list can only be refused: as the other operations of that path, or of those beside it, are.
 *
 * @param path without its query
 */
export function describedResponse(
  document: OpenapiDocument,
  method: string,
  path: string,
  status: number,
): OpenapiResponse | undefined {
  const template = templateOf(document, path)
  const item = template === undefined ? undefined : document.paths[template]!
  const operation = item?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
  if (operation) return responseOf(document, operation, status)
  if (status < 400) return undefined
  const kin = item ? [item] : besides(document, path)
  return kin
    .flatMap((paths) => Object.values(paths))
    .map((other) => responseOf(document, other, status))
    .find((response) => response !== undefined)
}

/** Follows the reference that a response may be. */
function responseOf(
  { components }: OpenapiDocument,
  { responses }: OpenapiOperation,
  status: number,
): OpenapiResponse | undefined {
  const found = responses[status]
  return found && '$ref' in found ? components.responses?.[found.$ref.split('/').at(-1)!] : found
}

/** The template that a path fits, the most literal first: `/orders/reports` goes before `/orders/{order_id}`. */
function templateOf({ paths }: OpenapiDocument, path: string): string | undefined {
  const parts = path.split('/')
  const fits = (template: string[]) =>
    template.length === parts.length &&
    template.every((part, at) => part.startsWith('{') || part === parts[at])
  const placeholders = (template: string) => template.split('{').length
  return Object.keys(paths)
    .filter((template) => fits(template.split('/')))
    .sort((a, b) => placeholders(a) - placeholders(b))[0]
}

/** The paths under the same first part, then all. */
function besides({ paths }: OpenapiDocument, path: string) {
  const first = (of: string) => of.split('/')[1]
  const kin = Object.keys(paths).filter((template) => first(template) === first(path))
  return [...kin, ...Object.keys(paths)].map((template) => paths[template]!)
}
