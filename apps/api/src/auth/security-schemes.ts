/** The requirement that nobody be asked, as OpenAPI has it: said, since leaving it out could be an oversight. */
export const ANONYMOUS: Record<string, []> = {}

const KEY = {
  type: 'http',
  scheme: 'bearer',
  description:
    'An API key, `acc_…`. Its scopes tell what it allows: `tasks:read`, `tasks:write`, `operation:NAME` (to start that operation), `admin`. A route takes any one of those that it names.',
} as const

const TOKEN = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description:
    'An access token (JWT, RFC7519) of the issuer that this installation trusts. It is verified as RFC8725 asks: signed by a key of that issuer with an algorithm for private keys, for this audience, from this issuer, not expired. A claim has its scopes, which are those of keys.',
} as const

/** What credentials the API takes, as its description names them. */
export function securitySchemes(tokens: boolean) {
  return { key: KEY, ...(tokens ? { token: TOKEN } : {}) }
}

/** What routes that are not open require: any one of these credentials. */
export function securityOf(schemes: object): Record<string, []>[] {
  return Object.keys(schemes).map((name) => ({ [name]: [] }))
}
