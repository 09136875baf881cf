import type { Scope } from '@accepted/contract'

/** A route that anyone may ask, without a credential. */
export const OPEN = 'open'

/** Who may use a route: anyone, or whoever has one of these scopes. The first is the usual one, which a refusal names. */
export type Access = typeof OPEN | readonly [Scope, ...Scope[]]

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route. One that does not say keeps the app from starting. */
    access?: Access
  }
}
