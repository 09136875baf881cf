import type { Scope } from '@accepted/contract'
import { type ActedBy, actedByText } from '../audit/acted-by.ts'
import type { ScriptArgument, ScriptName, Scripts } from '../store/scripts.ts'
import { digestOfKey, newApiKey, prefixOfKey } from './api-key.ts'

/** Keys in one call, so that none holds Redis for long. */
const MOST_AT_ONCE = 500

/** An API key as Redis knows it. Times are Redis's. */
export interface ApiKey {
  keyId: string
  /** The first characters of the key. */
  prefix: string
  digest: Buffer
  tenant: string
  scopes: readonly Scope[]
  createdMs: number
  /** When it was used last, give or take a minute; null: never. */
  usedMs: number | null
  /** From when on it is refused; null: never. */
  expiresMs: number | null
}

/** What a new key is for. */
export interface KeySpec {
  tenant: string
  scopes: readonly Scope[]
  /** How long it holds; without it for ever. */
  lifetimeMs?: number
}

/** The API keys of an installation. Of a key only its digest is kept. Without `by` the trail does not tell of an act. */
export class ApiKeys {
  readonly #scripts: Scripts

  constructor(scripts: Scripts) {
    this.#scripts = scripts
  }

  /** Makes a key. @returns the key itself too, which nobody can be told again. @throws {StoreUnavailable} */
  async create({ tenant, scopes, lifetimeMs = 0 }: KeySpec, by?: ActedBy): Promise<ApiKey & { key: string }> {
    const key = newApiKey()
    const { keyId, digest } = digestOfKey(key)!
    const prefix = prefixOfKey(key)
    const args = [
      keyId,
      digest.toString('base64url'),
      prefix,
      tenant,
      scopes.join(' '),
      lifetimeMs,
      actedByText(by),
    ]
    const [created, expires] = (await this.#run('create-key', args)) as string[]
    const times = { createdMs: Number(created), usedMs: null, expiresMs: maybeNumber(expires) }
    return { key, keyId, prefix, digest, tenant, scopes, ...times }
  }

  /** All keys, the oldest first, those too that have expired lately. @throws {StoreUnavailable} */
  async list(): Promise<ApiKey[]> {
    const ids = (await this.#run('list-keys', [])) as string[]
    const keys: ApiKey[] = []
    for (const some of batches(ids)) {
      const found = await this.find(some)
      keys.push(...found.filter((key) => key !== null))
      // What expired long ago has left its id.
      for (const [n, key] of found.entries()) if (!key) await this.revoke(some[n]!)
    }
    return keys.sort((a, b) => a.createdMs - b.createdMs || (a.keyId < b.keyId ? -1 : 1))
  }

  /** The keys of these ids, at most 500; null where there is none. @throws {StoreUnavailable} */
  async find(keyIds: readonly string[]): Promise<(ApiKey | null)[]> {
    const found = (await this.#run('read-keys', keyIds)) as string[][]
    return keyIds.map((keyId, at) => keyOf(keyId, found[at]!))
  }

  /** Which of these keys are gone; asks also a Redis that refuses writes. @throws {StoreUnavailable} */
  async check(keyIds: readonly string[]): Promise<string[]> {
    const gone: string[] = []
    for (const some of batches(keyIds)) gone.push(...((await this.#run('check-keys', some)) as string[]))
    return gone
  }

  /** Notes keys as used now. @throws {StoreUnavailable} */
  async noteUse(keyIds: readonly string[]): Promise<void> {
    for (const some of batches(keyIds)) await this.#run('use-keys', some)
  }

  /** Makes a key unknown. @returns whether there was one. @throws {StoreUnavailable} */
  async revoke(keyId: string, by?: ActedBy): Promise<boolean> {
    return (await this.#run('revoke-key', [keyId, actedByText(by)])) === 1
  }

  async #run(name: ScriptName, args: readonly ScriptArgument[]): Promise<unknown> {
    const { answer } = await this.#scripts.runOnSecrets(name, [...args])
    return answer
  }
}

function* batches(keyIds: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < keyIds.length; at += MOST_AT_ONCE) yield keyIds.slice(at, at + MOST_AT_ONCE)
}

function keyOf(keyId: string, flat: string[]): ApiKey | null {
  if (flat.length === 0) return null
  const fields: Record<string, string> = {}
  for (let at = 0; at < flat.length; at += 2) fields[flat[at]!] = flat[at + 1]!
  return {
    keyId,
    prefix: fields.prefix!,
    digest: Buffer.from(fields.digest!, 'base64url'),
    tenant: fields.tenant!,
    scopes: fields.scopes!.split(' ') as Scope[],
    createdMs: Number(fields.created),
    usedMs: maybeNumber(fields.used),
    expiresMs: maybeNumber(fields.expires),
  }
}

function maybeNumber(text: string | undefined): number | null {
  return text ? Number(text) : null
}
