import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  ApiKeys,
  connectForAnswers,
  createLog,
  InstallationKeys,
  openSealer,
  readSettings,
  Scripts,
  SharedSettings,
  TenantLimits,
  TenantSecrets,
} from '@accepted/core'
import type { Redis } from 'ioredis'
import { Type } from 'typebox'

/** Why an installation, or what a command names of it, cannot be reached, in words. */
export class NotFound extends Error {
  override name = 'NotFound'
}

/** A running installation, as commands see it. */
export interface Installation {
  /** @throws {NotFound} when it is looked at, if there is no key for the secrets; so does `signingKeys` */
  readonly secrets: TenantSecrets
  readonly signingKeys: InstallationKeys
  readonly apiKeys: ApiKeys
  readonly tenantLimits: TenantLimits
  close(): void
}

const { REDIS_URL, KEY_PREFIX, SECRETS_KEY, SECRETS_KEY_FILE } = SharedSettings.properties
const CliSettings = Type.Object({ REDIS_URL, KEY_PREFIX, SECRETS_KEY, SECRETS_KEY_FILE })
const CONNECT_WITHIN_MS = 3_000
const PROJECT = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * Finds the installation that the environment names: by the settings of the apps, or by `DATA_DIR`, in which `npm start` keeps
 * the address of its Redis and the key of the secrets.
 *
 * @param folder what relative paths begin at
 * @throws {NotFound} @throws {SettingsError}
 */
export async function findInstallation(
  environment: Record<string, string | undefined>,
  folder: string,
): Promise<Installation> {
  const dataDir = environment.DATA_DIR ? resolve(folder, environment.DATA_DIR) : join(PROJECT, '.data')
  const settings = readSettings(CliSettings, {
    ...environment,
    REDIS_URL: environment.REDIS_URL || (await privateRedisUrl(dataDir)),
  })
  const keyFile = settings.SECRETS_KEY_FILE
    ? resolve(folder, settings.SECRETS_KEY_FILE)
    : join(dataDir, 'secrets.key')
  const sealer = await openSealer({ ...settings, SECRETS_KEY_FILE: keyFile }, 'do without')
  const needed = () => {
    if (sealer) return sealer
    throw new NotFound(
      `There is no key for the secrets: neither SECRETS_KEY nor a file ${keyFile}. It must be the one that the API has.`,
    )
  }
  const redis = await connected(settings.REDIS_URL)
  const scripts = new Scripts(redis, settings.KEY_PREFIX, null)
  return {
    get secrets() {
      return new TenantSecrets(scripts, needed())
    },
    get signingKeys() {
      return new InstallationKeys(scripts, needed())
    },
    apiKeys: new ApiKeys(scripts),
    tenantLimits: new TenantLimits(scripts),
    close: () => redis.disconnect(),
  }
}

async function privateRedisUrl(dataDir: string): Promise<string> {
  try {
    return (await readFile(join(dataDir, 'redis.url'), 'utf8')).trim()
  } catch (error) {
    throw new NotFound(
      `No running installation is found: REDIS_URL is not set, and nothing that npm start has started keeps its data in ${dataDir} (DATA_DIR).`,
      { cause: error },
    )
  }
}

/** A connection that serves. @throws {NotFound} at its first fault, or when it takes too long */
async function connected(url: string): Promise<Redis> {
  const redis = connectForAnswers(url, createLog('cli', 'silent'))
  const { promise, resolve: ready, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('no answer')), CONNECT_WITHIN_MS)
  redis.once('ready', ready)
  redis.once('error', reject)
  try {
    await promise
    return redis
  } catch (error) {
    redis.disconnect()
    // Without what the address may have of a password.
    const host = URL.parse(url)?.host ?? 'REDIS_URL'
    const { message, code } = error as NodeJS.ErrnoException
    throw new NotFound(`Redis at ${host} cannot be reached: ${message || code}.`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}
