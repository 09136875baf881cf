import { ApiSettings, readSettings } from '@accepted/core'
import { expect, test } from 'vitest'
import { authFaults, oidcTerms } from './auth-settings.ts'

const read = (environment: Record<string, string>) =>
  readSettings(ApiSettings, { REDIS_URL: 'redis://127.0.0.1:6379', ...environment })
const OIDC = { OIDC_ISSUER: 'https://id.example/realms/one', OIDC_AUDIENCE: 'accepted' }

test.each<Record<string, string>>([
  {},
  { HOST: '0.0.0.0' },
  { AUTH: 'none' },
  { AUTH: 'none', HOST: 'localhost' },
  OIDC,
  { ...OIDC, OIDC_ISSUER: 'http://[::1]:8080' },
])('%j are in order', (environment) => expect(authFaults(read(environment))).toEqual([]))

test.each<[Record<string, string>, RegExp]>([
  [{ AUTH: 'none', HOST: '0.0.0.0' }, /^AUTH=none: whoever reaches HOST=0\.0\.0\.0/],
  [{ AUTH: 'none', ...OIDC }, /^AUTH=none: nobody would be asked/],
  [{ OIDC_ISSUER: 'https://id.example' }, /^OIDC_AUDIENCE: is required/],
  [{ OIDC_AUDIENCE: 'accepted' }, /^OIDC_ISSUER: is required/],
  [
    { ...OIDC, OIDC_ISSUER: 'http://id.example' },
    /^OIDC_ISSUER=http:\/\/id\.example: must be an https address/,
  ],
  [{ ...OIDC, OIDC_ISSUER: 'https://' + '[' }, /^OIDC_ISSUER=/],
])('%j are at fault', (environment, words) =>
  expect(authFaults(read(environment))).toEqual([expect.stringMatching(words)]),
)

test('there are terms for tokens if there is an issuer', () => {
  expect(oidcTerms(read({}))).toBeUndefined()
  expect(oidcTerms(read({ ...OIDC, OIDC_TENANT_CLAIM: 'org' }))).toEqual({
    issuer: OIDC.OIDC_ISSUER,
    audience: 'accepted',
    tenantClaim: 'org',
    scopeClaim: 'scope',
  })
})
