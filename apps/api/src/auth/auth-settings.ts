import { type ApiSettings, isLoopbackHost } from '@accepted/core'
import type { OidcTerms } from './oidc.ts'

type AuthSettings = Pick<
  ApiSettings,
  'AUTH' | 'HOST' | 'OIDC_ISSUER' | 'OIDC_AUDIENCE' | 'OIDC_TENANT_CLAIM' | 'OIDC_SCOPE_CLAIM'
>

/** What is wrong between the settings that tell who may ask, in words. */
export function authFaults({ AUTH, HOST, OIDC_ISSUER, OIDC_AUDIENCE }: AuthSettings): string[] {
  const faults: string[] = []
  if (AUTH === 'none' && !isLoopbackHost(HOST)) {
    faults.push(
      `AUTH=none: whoever reaches HOST=${HOST} could do anything; it takes a loopback address such as 127.0.0.1, or AUTH=keys`,
    )
  }
  if (AUTH === 'none' && OIDC_ISSUER)
    faults.push('AUTH=none: nobody would be asked for a token of OIDC_ISSUER')
  if (OIDC_ISSUER && !OIDC_AUDIENCE) {
    faults.push('OIDC_AUDIENCE: is required with OIDC_ISSUER, else tokens for other services would be taken')
  }
  if (OIDC_AUDIENCE && !OIDC_ISSUER) faults.push('OIDC_ISSUER: is required with OIDC_AUDIENCE')
  const url = OIDC_ISSUER === undefined ? undefined : URL.parse(OIDC_ISSUER)
  if (url === null || (url?.protocol === 'http:' && !isLoopbackHost(url.hostname.replace(/^\[|\]$/g, '')))) {
    faults.push(`OIDC_ISSUER=${OIDC_ISSUER}: must be an https address; http only on loopback`)
  }
  return faults
}

/** Whose tokens are taken beside API keys; undefined: nobody's. */
export function oidcTerms(settings: AuthSettings): OidcTerms | undefined {
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience } = settings
  if (!issuer || !audience) return undefined
  return { issuer, audience, tenantClaim: settings.OIDC_TENANT_CLAIM, scopeClaim: settings.OIDC_SCOPE_CLAIM }
}
