import { DEFAULT_SCOPES, durationMs, isScope, type Scope } from '@accepted/contract'
import { type ApiKey, isKeyId, maybeTimestamp, timestamp } from '@accepted/core'
import type { Command, CommandOption, Row } from '../command.ts'
import { NotFound } from '../installation.ts'
import { TENANT } from './tenant.ts'

const LEAST_MS = durationMs('1s')!
const MOST_MS = durationMs('3650d')!

const SCOPES: CommandOption = {
  placeholder: 'S,S',
  description: 'tasks:read, tasks:write, admin, operation:NAME; the first two, if not said',
  faultOf: (value) => {
    const stray = value.split(',').find((word) => !isScope(word))
    return stray === undefined
      ? undefined
      : `'${stray}' is none of tasks:read, tasks:write, admin, operation:NAME`
  },
}

const LIFETIME: CommandOption = {
  placeholder: 'D',
  description: 'for how long it holds: 90s, 30m, 24h, 90d; for ever if not said',
  faultOf: (value) => {
    const ms = durationMs(value)
    return ms !== undefined && ms >= LEAST_MS && ms <= MOST_MS
      ? undefined
      : 'must be 1s to 3650d: a number and ms, s, m, h or d'
  },
}

const KEY_ID: CommandOption = {
  placeholder: 'KEY_ID',
  description: 'the key_id that keys list tells',
  faultOf: (value) => (isKeyId(value) ? undefined : 'must be as keys list tells it: key_ and 16 characters'),
}

/** `accepted keys …` */
export const KEYS_COMMANDS: Command[] = [
  {
    name: 'keys create',
    summary: 'A new API key of a tenant. It is shown this once: only its digest is kept.',
    options: { tenant: { ...TENANT, required: true }, scopes: SCOPES, 'expires-in': LIFETIME },
    run: async ({ apiKeys, actedBy }, { tenant, scopes, 'expires-in': lifetime }) => {
      const spec = { tenant: tenant!, scopes: scopesOf(scopes) }
      const lifetimeMs = lifetime === undefined ? undefined : durationMs(lifetime)
      const created = await apiKeys.create(lifetimeMs === undefined ? spec : { ...spec, lifetimeMs }, actedBy)
      return { key_id: created.keyId, key: created.key, tenant: created.tenant, scopes: created.scopes }
    },
  },
  {
    name: 'keys list',
    summary: 'The API keys of all tenants, with the first characters of each.',
    options: {},
    run: async ({ apiKeys }) => (await apiKeys.list()).map(rowOf),
  },
  {
    name: 'keys revoke',
    summary: 'Makes an API key unknown, everywhere within 2 seconds.',
    options: {},
    operands: { key_id: KEY_ID },
    run: async ({ apiKeys, actedBy }, { key_id: keyId }) => {
      if (!(await apiKeys.revoke(keyId!, actedBy))) throw new NotFound(`There is no key ${keyId}.`)
      return { key_id: keyId!, revoked: true }
    },
  },
]

function scopesOf(text: string | undefined): readonly Scope[] {
  return text === undefined ? DEFAULT_SCOPES : [...new Set(text.split(',') as Scope[])]
}

function rowOf({ keyId, prefix, tenant, scopes, createdMs, usedMs, expiresMs }: ApiKey): Row {
  return {
    key_id: keyId,
    prefix,
    tenant,
    scopes,
    created_at: timestamp(createdMs),
    last_used_at: maybeTimestamp(usedMs),
    expires_at: maybeTimestamp(expiresMs),
  }
}
