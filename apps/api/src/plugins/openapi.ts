import {
  CallbackMessage,
  DeliveryDocument,
  EndpointDocument,
  OperationDocument,
  OperationList,
  OperationProblem,
  Problem,
  StyledTask,
  Task,
} from '@accepted/contract'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { RouteOptions } from 'fastify'
import plugin from 'fastify-plugin'
import { Type } from 'typebox'
import { OPEN } from '../auth/access.ts'
import { WEBHOOKS } from '../callbacks/webhook.ts'
import { ALWAYS_SENT } from '../response-headers.ts'
import { problemResponses, response } from '../responses.ts'
import { contentSecurityPolicy, PAGE_HEADERS } from '../security-headers.ts'
import { JSON_TYPE } from '../task-reading.ts'
import { SECURITY_SCHEME } from './auth.ts'

export interface OpenapiOptions {
  publicUrl: () => string
  version: string
  asksForKeys: boolean
}

/** What answers refer to. */
const SHARED = [
  Task,
  StyledTask,
  OperationDocument,
  OperationList,
  DeliveryDocument,
  EndpointDocument,
  CallbackMessage,
  Problem,
  OperationProblem,
]

const TAGS: Record<string, string> = {
  tasks: 'The task resource: how a request goes',
  operations: 'The same tasks for pollers of `Operation-Location`',
  callbacks: 'The messages to callback URLs: how they go, and trying them again',
  cars: 'Example operations: a car factory',
  orders: 'Example data: orders',
  reports: 'Example operation: reports as PDF',
  service: 'The service itself',
}

const DESCRIPTION = `Slow work is answered \`202 Accepted\` at once; a task tells how it goes.

Clients must ignore members and header fields that they do not know. Every error is \`application/problem+json\` (RFC 9457), and its \`type\` leads to an explanation. JSON members are snake_case (but camelCase under \`/operations\`), times are RFC 3339 UTC with milliseconds, ids are UUIDv7. Every \`GET\` has its \`HEAD\`; a method that a path does not have is answered 405.`

const SECURITY_SCHEMES = {
  [SECURITY_SCHEME]: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key, `acc_…`, or an access token (JWT) of the issuer that the installation trusts, if it has one. Its scopes tell what it allows: `tasks:read`, `tasks:write`, `operation:NAME` (to start that operation), `admin`. A route takes any one of those that it names.',
  },
} as const

/** Where the page and its files may load from: this server, nowhere else. Swagger UI inlines its icons. */
const DOCS_CSP = contentSecurityPolicy({
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'connect-src': "'self'",
})

/** `/openapi.json` and `/docs`, made from the schemas that validate. To be registered before the routes. */
export const openapi = plugin<OpenapiOptions>(
  async (app, { publicUrl, version, asksForKeys }) => {
    for (const schema of SHARED) app.addSchema(schema)
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Accepted',
          version,
          summary: 'Long-running operations for HTTP APIs',
          description: DESCRIPTION,
          license: { name: 'MIT', identifier: 'MIT' },
        },
        security: [],
        ...(asksForKeys ? { components: { securitySchemes: SECURITY_SCHEMES } } : {}),
      },
      stripBasePath: false,
      convertConstToEnum: false,
      refResolver: {
        buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`),
      },
      // Not before somebody asks, when the address is known.
      transformObject: (given) => {
        const { openapiObject } = given as unknown as { openapiObject: OpenapiDocument }
        return finished(openapiObject, publicUrl()) as never
      },
    })
    await app.register(async (scope) => {
      scope.addHook('onRoute', (route) => {
        route.config = { ...route.config, produces: typesOfDocs(route), access: OPEN }
      })
      scope.addHook('onRequest', (_request, reply, next) => {
        reply.headers(PAGE_HEADERS)
        next()
      })
      await scope.register(swaggerUi, {
        routePrefix: '/docs',
        staticCSP: DOCS_CSP,
        theme: {
          title: 'Accepted: the API',
          css: [{ filename: 'accepted.css', content: DOCS_STYLE }],
          favicon: [
            {
              filename: 'favicon.svg',
              rel: 'icon',
              sizes: 'any',
              type: 'image/svg+xml',
              content: FAVICON,
            },
          ],
        },
        uiConfig: {
          layout: 'BaseLayout',
          docExpansion: 'list',
          defaultModelsExpandDepth: 0,
          // A page to read: it sends nothing.
          supportedSubmitMethods: [],
        },
      })
    })
    // Made once: anybody may ask for it, again and again.
    let text: string | undefined
    app.get(
      '/openapi.json',
      {
        config: { access: OPEN, load: 'lists' },
        schema: {
          operationId: 'openapi.read',
          summary: 'This description',
          description: 'OpenAPI 3.1, made from the schemas that validate. `/docs` shows it as a page.',
          tags: ['service'],
          response: {
            200: response('OpenAPI 3.1', Type.Object({}, { additionalProperties: true })),
            ...problemResponses(),
          },
        },
      },
      async (_request, reply) => {
        text ??= JSON.stringify(app.swagger())
        return reply.type(JSON_TYPE).send(text)
      },
    )
  },
  { name: 'openapi' },
)

/** The parts of an OpenAPI document that are finished here. */
interface OpenapiDocument {
  info: Record<string, unknown>
  tags?: { name: string; description: string }[]
  paths: Record<string, Record<string, OpenapiOperation>>
  components: { schemas: object; responses?: Record<string, OpenapiResponse> }
}
interface OpenapiOperation {
  summary: string
  tags: string[]
  parameters?: { name: string; in: string; required?: boolean; schema?: { default?: unknown } }[]
  responses: Record<string, OpenapiResponse | { $ref: string }>
}
interface OpenapiResponse {
  headers?: Record<string, { required?: boolean; schema: Record<string, unknown> }>
  content?: Record<string, { schema?: { $ref?: string }; examples?: object }>
}

/** What @fastify/swagger cannot say: where it is served, which headers are always sent, what is shared. */
function finished(document: OpenapiDocument, url: string): object {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
  for (const { parameters = [], responses } of operations) {
    for (const parameter of parameters) {
      // With a default in its schema, its absence is no fault.
      if (parameter.schema?.default !== undefined) parameter.required = false
      if (parameter.in === 'header') parameter.name = fieldName(parameter.name)
    }
    for (const answer of Object.values(responses)) markHeaders(answer as OpenapiResponse)
  }
  document.components.responses = shareProblems(operations)
  nameTypes(document)
  const { openapi, info, ...rest } = document as OpenapiDocument & { openapi: string }
  const contact = { name: 'The operators of this installation', url }
  return {
    openapi,
    info: { ...info, contact },
    servers: [{ url }],
    tags: tagsOf(operations),
    ...rest,
    webhooks: WEBHOOKS,
  }
}

/** `task-priority` as it is written: `Task-Priority`. */
function fieldName(name: string): string {
  return name.replace(/(?<=^|-)(url\b|[a-z])/g, (letters) => letters.toUpperCase())
}

function markHeaders({ headers = {} }: OpenapiResponse): void {
  for (const header of Object.values(headers)) {
    if (header.schema[ALWAYS_SENT]) header.required = true
    delete header.schema[ALWAYS_SENT]
  }
}

/** Replaces the operations' problem responses by references; what is the same stands in the document once. */
function shareProblems(operations: OpenapiOperation[]): Record<string, OpenapiResponse> {
  const shared: Record<string, OpenapiResponse> = {}
  for (const { responses } of operations) {
    for (const [status, answer] of Object.entries(responses)) {
      const problem = (answer as OpenapiResponse).content?.['application/problem+json']
      if (!problem) continue
      const schema = problem.schema?.$ref?.split('/').at(-1)
      // Whose senders are counted tells of that, too.
      const counted = (answer as OpenapiResponse).headers?.RateLimit ? ['counted'] : []
      const name = [schema, ...counted, ...Object.keys(problem.examples ?? {})].join('.')
      shared[name] = answer as OpenapiResponse
      responses[status] = { $ref: `#/components/responses/${name}` }
    }
  }
  return shared
}

/** TypeBox leaves the type of an enumeration unsaid; readers and generators want it. */
function nameTypes(node: unknown): void {
  if (typeof node !== 'object' || node === null) return
  const schema = node as { enum?: unknown; type?: string }
  if (Array.isArray(schema.enum) && schema.enum.every((word) => typeof word === 'string'))
    schema.type ??= 'string'
  for (const part of Object.values(node)) nameTypes(part)
}

/** Our tags in their order, then those of operations that others have added. */
function tagsOf(operations: OpenapiOperation[]): { name: string; description: string }[] {
  const summaries = Map.groupBy(operations, ({ tags }) => tags[0]!)
  const names = [...Object.keys(TAGS), ...[...summaries.keys()].filter((name) => !(name in TAGS))]
  return names.map((name) => ({
    name,
    description:
      TAGS[name] ??
      summaries
        .get(name)!
        .map(({ summary }) => summary)
        .join('; '),
  }))
}

/** What `/docs` and its files are made of, so that `Accept` can be honoured. */
function typesOfDocs({ url }: RouteOptions): string[] {
  if (url.endsWith('/json')) return ['application/json']
  if (url.endsWith('/yaml')) return ['application/x-yaml']
  if (url.includes('/static/'))
    return [
      'text/css',
      'text/javascript',
      'application/javascript',
      'image/svg+xml',
      'image/png',
      'text/html',
    ]
  return ['text/html']
}

const FAVICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1756a9"/><path d="m8 17 6 6L25 10" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/></svg>'

/** Leaves out what is of use only to a page that sends requests. */
const DOCS_STYLE = `body { background: #fff }
.swagger-ui .wrapper { max-width: 1080px }
.swagger-ui .info { margin: 40px 0 10px }
.swagger-ui .info hgroup.main a, .swagger-ui .scheme-container, .swagger-ui .parameters :disabled,
.swagger-ui .response-control-media-type__accept-message, .swagger-ui .response-col_links { display: none }
.swagger-ui .markdown code, .swagger-ui .renderedMarkdown code {
  background: #eef1f5; color: #1756a9; font-weight: 400; padding: 1px 4px
}
.swagger-ui .headers .header-col { font-family: sans-serif; font-weight: 400; padding: 2px 12px 2px 0; vertical-align: top }
.swagger-ui .headers .header-col:first-child { font-family: monospace; font-weight: 600 }
.swagger-ui .highlight-code > .microlight { max-height: 30em }
`
