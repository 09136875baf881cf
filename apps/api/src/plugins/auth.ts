import type { Scope } from '@accepted/contract'
import type { FastifyRequest, RouteOptions } from 'fastify'
import plugin from 'fastify-plugin'
import { type Access, OPEN } from '../auth/access.ts'
import { ANYBODY, type Authenticate, type Caller, refuseUnless } from '../auth/caller.ts'
import { ANONYMOUS } from '../auth/security-schemes.ts'
import { STORE_PROBLEMS, withProblems } from '../responses.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it. Not there on a route that is open to all. */
    caller: Caller
    /** Whose tasks and resources the request sees; '', which is nobody, on a route that is open to all. */
    tenant: string
  }
  interface FastifySchema {
    /** In the description the scopes of which an operation takes any one: OpenAPI has no place for those of keys. */
    'x-required-scopes'?: readonly Scope[]
  }
}

export interface AuthOptions {
  /** How the description says what credentials are taken: any one of these. */
  security: Record<string, []>[]
  /** Undefined: nobody is asked. */
  authenticate: Authenticate | undefined
}

/**
 * Asks for a credential before anything else of a request is looked at, and describes that. Every route says who may use it:
 * the app does not start with one that does not.
 */
export const auth = plugin<AuthOptions>(
  async (app, { authenticate, security }) => {
    app.decorateRequest('caller')
    app.decorateRequest('tenant', '')
    const routes: RouteOptions[] = []
    app.addHook('onRoute', (route) => {
      routes.push(route)
      if (authenticate && route.schema && !route.schema.hide) describe(route, security)
    })
    app.addHook('onReady', async () => {
      const silent = routes.filter(({ config }) => config?.access === undefined)
      if (silent.length === 0) return
      const names = new Set(silent.map(({ method, url }) => `${method} ${url}`))
      throw new Error(`these routes do not say who may use them (config.access): ${[...names].join(', ')}`)
    })
    app.addHook('onRequest', (request, _reply, next) => {
      const access = request.is404 ? OPEN : request.routeOptions.config.access!
      if (access === OPEN) return next()
      const caller = authenticate ? authenticate(request.headers.authorization) : ANYBODY
      if (!(caller instanceof Promise)) {
        admit(request, caller, access)
        return next()
      }
      caller.then((found) => admit(request, found, access)).then(() => next(), next)
    })
  },
  { name: 'auth', dependencies: ['problems'] },
)

/** @throws {ProblemError} `forbidden` */
function admit(request: FastifyRequest, caller: Caller, access: Exclude<Access, typeof OPEN>): void {
  refuseUnless(caller, access)
  request.caller = caller
  request.tenant = caller.tenant
}

/** What asking for a credential adds to the description of a route. */
function describe(route: RouteOptions, security: AuthOptions['security']): void {
  const access = route.config?.access
  if (access === undefined) return
  if (access === OPEN) {
    route.schema = { ...route.schema, security: [ANONYMOUS] }
    return
  }
  const { description, response } = route.schema as { description: string; response: object }
  const document = route.url.startsWith('/operations') ? 'OperationProblem' : 'Problem'
  route.schema = {
    ...route.schema,
    description: `${description} Takes a key with the scope ${access.map((scope) => `\`${scope}\``).join(' or ')}.`,
    security,
    'x-required-scopes': access,
    response: withProblems(response, document, [
      'unauthenticated',
      'forbidden',
      'issuer_unavailable',
      ...STORE_PROBLEMS,
    ]),
  }
}
