import type { Scope } from '@accepted/contract'
import type { RouteOptions } from 'fastify'
import plugin from 'fastify-plugin'
import { OPEN } from '../auth/access.ts'
import { ANYBODY, type Authenticate, type Caller, refuseUnless } from '../auth/caller.ts'
import { invalidCredential } from '../auth/challenges.ts'
import { ANONYMOUS } from '../auth/security-schemes.ts'
import type { RequestQuota } from '../quotas/request-quota.ts'
import { STORE_PROBLEMS, withHeaders, withProblems } from '../responses.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it. Not there on a route that is open to all. */
    caller: Caller
    /** Whose tasks and resources the request sees; '', which is nobody, on a route that is open to all. */
    tenant: string
    /** Of a body that was read. */
    bodyBytes: number
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
  /**
   * Counts a request once it is known whose it is, before anything else of it is looked at, but for what tells of the process itself
   * (`config.load` is `none`), and its body once it is read; undefined: tenants have no quotas.
   */
  quota: Pick<RequestQuota, 'admit' | 'countBytes'> | undefined
}

/**
 * Asks for a credential before anything else of a request is looked at, and describes that. Every route says who may use it:
 * the app does not start with one that does not.
 */
export const auth = plugin<AuthOptions>(
  async (app, { authenticate, security, quota }) => {
    app.decorateRequest('caller')
    app.decorateRequest('tenant', '')
    app.decorateRequest('bodyBytes', 0)
    const routes: RouteOptions[] = []
    app.addHook('onRoute', (route) => {
      routes.push(route)
      if (authenticate && route.schema && !route.schema.hide)
        describe(route, security, quota !== undefined && route.config?.load !== 'none')
    })
    app.addHook('onReady', async () => {
      const silent = routes.filter(({ config }) => config?.access === undefined)
      if (silent.length === 0) return
      const names = new Set(silent.map(({ method, url }) => `${method} ${url}`))
      throw new Error(`these routes do not say who may use them (config.access): ${[...names].join(', ')}`)
    })
    app.addHook('onRequest', (request, reply, next) => {
      const access = request.is404 ? OPEN : request.routeOptions.config.access!
      if (access === OPEN) return next()
      const caller = authenticate ? authenticate(request.headers.authorization) : ANYBODY
      const counted = (found: Caller): Promise<void> | undefined => {
        request.caller = found
        request.tenant = found.tenant
        const under =
          request.routeOptions.config.load === 'none' ? undefined : quota?.admit(found.tenant, reply)
        if (under) return under.then(() => refuseUnless(found, access))
        refuseUnless(found, access)
      }
      const judged = caller instanceof Promise ? caller.then(counted) : counted(caller)
      if (judged) judged.then(() => next(), next)
      else next()
    })
    if (!authenticate) return
    // A body may have taken its time.
    app.addHook('preValidation', ({ caller, tenant, bodyBytes }, reply, next) => {
      if (caller && !caller.holds())
        return next(invalidCredential('The credential has expired, or was revoked.'))
      const counted = quota?.countBytes(tenant, bodyBytes, reply)
      if (counted) counted.then(() => next(), next)
      else next()
    })
  },
  { name: 'auth', dependencies: ['problems'] },
)

/** What asking for a credential, and counting requests, adds to the description of a route. */
function describe(route: RouteOptions, security: AuthOptions['security'], hasQuotas: boolean): void {
  const access = route.config?.access
  if (access === undefined) return
  if (access === OPEN) {
    route.schema = { ...route.schema, security: [ANONYMOUS] }
    return
  }
  const { description, response } = route.schema as { description: string; response: object }
  const document = route.url.startsWith('/operations') ? 'OperationProblem' : 'Problem'
  const described = withProblems(response, document, [
    'unauthenticated',
    'forbidden',
    'issuer_unavailable',
    ...STORE_PROBLEMS,
    ...(hasQuotas ? (['quota_exceeded'] as const) : []),
  ])
  route.schema = {
    ...route.schema,
    description: `${description} Takes a key with the scope ${access.map((scope) => `\`${scope}\``).join(' or ')}.`,
    security,
    'x-required-scopes': access,
    response: hasQuotas ? withHeaders(described, ['RateLimit?', 'RateLimit-Policy?']) : described,
  }
}
