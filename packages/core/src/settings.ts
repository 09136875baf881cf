import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { parseAddressRanges } from './callbacks/addresses.ts'
import { parseOrigins } from './origins.ts'
import { parseTrustedProxies } from './trusted-proxies.ts'
import { compileCheck } from './validation.ts'

/** The settings that both apps read. Every one is an environment variable; an empty one counts as not set. */
export const SharedSettings = Type.Object({
  REDIS_URL: Type.String({
    pattern: '^rediss?://.+',
    description: 'Redis: `redis://` or `rediss://`. Under `npm start`, if it is not set: a private Redis',
  }),
  KEY_PREFIX: Type.String({
    pattern: '^[A-Za-z0-9_-]{1,64}$',
    default: 'accepted',
    description: 'What every key in Redis begins with, so that several stacks can share one',
  }),
  SECRETS_KEY: Type.Optional(
    Type.String({
      description:
        'What secrets are sealed with at rest: 32 bytes in base64 or hexadecimal (`openssl rand -base64 32`). To replace it: the new key, a comma, the old one. Without it, and without `SECRETS_KEY_FILE`, there are no callbacks',
    }),
  ),
  SECRETS_KEY_FILE: Type.Optional(
    Type.String({
      description:
        'The file that has it, if `SECRETS_KEY` is not set; made, with a new key, if it is not there. Under `npm start`: `secrets.key` in `DATA_DIR`',
    }),
  ),
  CALLBACK_ALLOW_CIDRS: Type.String({
    default: '',
    description:
      'Ranges of addresses that callbacks may go to though they are not public: `10.0.0.0/8,fd00::/8`. Link-local and metadata addresses stay closed. Under `npm start`, if it is not set at all: loopback',
  }),
  CALLBACK_REQUIRE_HTTPS: Type.Boolean({
    default: false,
    description: 'Whether callbacks to plain http are refused, but for those to `CALLBACK_ALLOW_CIDRS`',
  }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'What is logged, by the levels of pino',
  }),
})

export type SharedSettings = Static<typeof SharedSettings>

export const ApiSettings = Type.Object({
  ...SharedSettings.properties,
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 3000,
    description: 'Where the API listens; `0` takes a free port and prints it',
  }),
  HOST: Type.String({ default: '127.0.0.1', description: 'The address it listens on' }),
  AUTH: Type.Enum(['keys', 'none'], {
    default: 'keys',
    description:
      'Whether requests need an API key (`accepted keys create`); `none`, on a loopback `HOST` only: nobody is asked, and all are the tenant `default`. Under `npm start` on a loopback `HOST`, if it is not set: `none`',
  }),
  OIDC_ISSUER: Type.Optional(
    Type.String({
      pattern: '^https?://[^?#]+$',
      description:
        'An OpenID Connect issuer, as its tokens name it in `iss`: its access tokens (JWT) are taken beside API keys',
    }),
  ),
  OIDC_AUDIENCE: Type.Optional(
    Type.String({ description: 'What tokens for this service have in `aud`; required with `OIDC_ISSUER`' }),
  ),
  OIDC_TENANT_CLAIM: Type.String({
    default: 'tenant',
    description: 'The claim of a token that names its tenant',
  }),
  OIDC_SCOPE_CLAIM: Type.String({
    default: 'scope',
    description:
      'The claim that has its scopes: words in a text, or a list; others than those of keys are passed over',
  }),
  PUBLIC_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^/?#]+$',
      description:
        'Base of every absolute link, without path or slash at its end; the listen address if not set. Required with `NODE_ENV=production`',
    }),
  ),
  ENVIRONMENT: Type.Optional(
    Type.Enum(['local', 'test', 'staging', 'production'], {
      description:
        'What this installation is, as `/openapi.json` tells it. If it is not set: `local` where `PUBLIC_URL` is a loopback address, else `production`',
    }),
  ),
  CORS_ORIGINS: Type.String({
    default: '',
    description:
      'Origins whose pages may use the API from a browser, comma-separated: `https://app.example,http://localhost:5173`. Each has to be named; none: there is no CORS',
  }),
  TRUST_PROXY: Type.String({
    default: 'false',
    description:
      "Whether a proxy's `X-Forwarded-For` tells the client's address. `true`: its last entry, which the one proxy before the API has added. Several in a row: their addresses, such as `10.0.0.0/8,fd00::/8`; the client is the last entry that is none of them",
  }),
  MAX_CONNECTIONS: Type.Integer({
    minimum: 10,
    maximum: 1_000_000,
    default: 10_000,
    description: 'Connections that one process has at once; more are answered 503',
  }),
  MAX_CONNECTIONS_PER_ADDRESS: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 1_000,
    description:
      'Those of one address (IPv6: of one /64). Not with `TRUST_PROXY`, where all come from the proxy: it has to limit them',
  }),
  REQUEST_TIMEOUT_SECONDS: Type.Number({
    exclusiveMinimum: 0,
    maximum: 3600,
    default: 30,
    description: 'How long a request may take to arrive, with its body; its head has 10 s',
  }),
  RETRY_AFTER_MIN: Type.Integer({
    minimum: 1,
    maximum: 3600,
    default: 1,
    description: 'Least `Retry-After`, seconds',
  }),
  RETRY_AFTER_MAX: Type.Integer({
    minimum: 1,
    maximum: 86400,
    default: 600,
    description: 'Most `Retry-After`, seconds',
  }),
  MAX_BACKLOG: Type.Integer({
    minimum: 1,
    default: 100000,
    description: 'Waiting tasks of a lane before 503',
  }),
  SHED_LOOP_DELAY_MS: Type.Integer({
    minimum: 0,
    maximum: 2000,
    default: 1_000,
    description:
      'From which delay of its event loop on an API process refuses starts, ms, smoothed over half a second; from twice that on lists and streams, too, from four times that on everything. `0`: never',
  }),
  SHED_MEMORY_SHARE: Type.Number({
    exclusiveMinimum: 0,
    maximum: 1,
    default: 0.9,
    description:
      'From which share of its memory on (of its heap, or of what its machine or container has) it refuses starts; with half and a quarter of the rest left lists and streams, then everything. `1`: never',
  }),
  TENANT_REQUESTS: Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 1_000,
    description:
      'Requests a second of one tenant before 429, and at once after a pause what it may send in 5 s; `0`: any number. Quotas do not hold with `AUTH=none`',
  }),
  QUOTAS_WITHOUT_REDIS: Type.Enum(['open', 'closed'], {
    default: 'open',
    description:
      'While Redis is away: each API process counts requests for itself, or answers 503 to whatever takes a key',
  }),
  TENANT_WAITING: Type.Integer({
    minimum: 0,
    maximum: 1_000_000_000,
    default: 10_000,
    description:
      'Waiting tasks of one tenant in a lane before 429; `0`: any number. Quotas do not hold with `AUTH=none`',
  }),
  TENANT_STORED_BYTES: Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    default: 268_435_456,
    description:
      'What the tasks and deliveries of one tenant may take in Redis, in bytes, before its own ended tasks expire early to make room for new ones, and, if that does not do, 429; `0`: any number',
  }),
  RETENTION_SECONDS: Type.Number({
    exclusiveMinimum: 0,
    maximum: 315360000,
    default: 86400,
    description: 'How long the record of an ended task is kept',
  }),
  TOMBSTONE_SECONDS: Type.Number({
    exclusiveMinimum: 0,
    maximum: 315360000,
    default: 2592000,
    description: 'How long an expired task answers 410 before it is unknown',
  }),
  MAX_STORED_BYTES: Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    default: 1_073_741_824,
    description:
      'What ended tasks and deliveries may take in Redis, in bytes; above it the records that ended first expire before `RETENTION_SECONDS` are over. `0`: any number',
  }),
  AUDIT_ENTRIES: Type.Integer({
    minimum: 0,
    maximum: 100_000,
    default: 10_000,
    description:
      'Acts of its clients that the audit trail of a tenant keeps, the newest, and up to a hundred more; `0`: none is noted',
  }),
})
export type ApiSettings = Static<typeof ApiSettings>

export const WorkerSettings = Type.Object({
  ...SharedSettings.properties,
  WORKER_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 10,
    description: 'Tasks at once, per lane and process',
  }),
  TENANT_RUNNING: Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 0,
    description:
      'Tasks of one tenant that run at once in a lane, in all workers, unless its own limit says another number; `0`: as many as there are slots',
  }),
  RETENTION_SECONDS: ApiSettings.properties.RETENTION_SECONDS,
  TOMBSTONE_SECONDS: ApiSettings.properties.TOMBSTONE_SECONDS,
  MAX_STORED_BYTES: ApiSettings.properties.MAX_STORED_BYTES,
  CALLBACK_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 64,
    description:
      'Callbacks that one process sends at once; one tenant gets at most three quarters of all, its receivers that are slow half of that',
  }),
  CALLBACK_ENDPOINT_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 1_000,
    default: 10,
    description:
      "Callbacks that one endpoint (a tenant's receiver, by its origin) is sent at once by all workers",
  }),
  CALLBACK_SCHEDULE: Type.Optional(
    Type.String({
      description:
        'Delays after which a callback is tried again, comma-separated, each a number and `ms`, `s`, `m`, `h` or `d`; exact, where those of the default have up to 20 % added: `5s,5m,30m,2h,5h,10h,14h,20h,24h`',
    }),
  ),
  CALLBACK_TIMEOUT_SECONDS: Type.Number({
    exclusiveMinimum: 0,
    maximum: 15,
    default: 15,
    description: 'How long one attempt of a callback may take in all',
  }),
  CALLBACK_TLS_CERT: Type.Optional(
    Type.String({
      description: 'File of the client certificate (PEM) that receivers are shown who ask for one',
    }),
  ),
  CALLBACK_TLS_KEY: Type.Optional(Type.String({ description: 'File of its private key (PEM)' })),
  CALLBACK_TLS_CA: Type.Optional(
    Type.String({
      description: 'File of certificate authorities (PEM) that receivers may have besides the public ones',
    }),
  ),
  HEARTBEAT_FILE: Type.Optional(
    Type.String({
      description:
        'A file that is written anew every 3 s while the worker lives and Redis hears of it: for health checks, by its age',
    }),
  ),
  SHUTDOWN_GRACE_SECONDS: Type.Number({
    minimum: 0,
    maximum: 3600,
    default: 25,
    description: 'How long running tasks may go on after a worker is told to stop (under `npm start`: 2)',
  }),
  WATCHDOG_SECONDS: Type.Number({
    minimum: 0,
    maximum: 3600,
    default: 10,
    description:
      'How long the event loop of a worker may stand still, for a handler that does not yield, before the process is ended; `0`: for ever, as a debugger needs it',
  }),
})
export type WorkerSettings = Static<typeof WorkerSettings>

/** What their schemas cannot say of settings: the faults of their texts, in words. */
const FURTHER_FAULTS: Record<string, (text: string) => string[]> = {
  CALLBACK_ALLOW_CIDRS: (text) => {
    const read = parseAddressRanges(text)
    return read.outcome === 'faulty' ? read.faults : []
  },
  TRUST_PROXY: (text) => {
    const read = parseTrustedProxies(text)
    return read.outcome === 'faulty' ? read.faults : []
  },
  CORS_ORIGINS: (text) => {
    const read = parseOrigins(text)
    return read.outcome === 'faulty' ? read.faults : []
  },
}

/** Settings whose value is not told, be it as faulty as can be: a part of it is a secret. */
const SECRET: ReadonlySet<string> = new Set(['REDIS_URL', 'SECRETS_KEY'])

/** Faulty settings. The message names them all, a line each, in words for whoever starts the process. */
export class SettingsError extends Error {
  override name = 'SettingsError'
  readonly faults: string[]

  constructor(faults: string[]) {
    super(['The settings are faulty:', ...faults.map((fault) => `  ${fault}`)].join('\n'))
    this.faults = faults
  }
}

/**
 * Reads settings from an environment by their schema.
 *
 * @throws {SettingsError} that tells all faults at once
 */
export function readSettings<P extends TProperties>(
  schema: TObject<P>,
  environment: Record<string, string | undefined>,
): Static<TObject<P>> {
  const names = Object.keys(schema.properties)
  const values: Record<string, unknown> = {}
  for (const name of names) {
    if (environment[name]) values[name] = environment[name]
  }
  const further = Object.entries(values).flatMap(([name, text]) =>
    (FURTHER_FAULTS[name]?.(text as string) ?? []).map((detail) => ({ pointer: `/${name}`, detail })),
  )
  const faults = [...compileCheck(schema, true)(values), ...further]
  if (faults.length > 0) {
    throw new SettingsError(
      faults.map(({ pointer, detail }) => {
        const name = pointer.slice(1)
        return environment[name] && !SECRET.has(name)
          ? `${name}=${environment[name]}: ${detail}`
          : `${name}: ${detail}`
      }),
    )
  }
  return values as Static<TObject<P>>
}
