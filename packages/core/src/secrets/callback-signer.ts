import { createSecretKey, type KeyObject } from 'node:crypto'
import type { InstallationKeys } from './installation-keys.ts'
import { Remembered } from './remembered.ts'
import { type Message, type SignatureHeaders, signMessage } from './sign-message.ts'
import type { TenantSecrets } from './tenant-secrets.ts'

/** How long a process may go on with the secrets from before a rotation. */
export const SECRETS_REMEMBERED_MS = 5_000
const MOST_TENANTS = 10_000
const INSTALLATION = 'installation'

interface HeldKey {
  key: KeyObject
  expiresMs: number | null
}

/**
 * Signs the callbacks of any tenant. Keys are remembered for `SECRETS_REMEMBERED_MS`: a new secret signs, and one that was
 * dropped ceases to, that much later at most. When one expires, it does so on time.
 */
export class CallbackSigner {
  readonly #secrets: Remembered<HeldKey[]>
  readonly #privateKeys: Remembered<HeldKey[]>

  /** @param monotonic milliseconds that only grow */
  constructor(secrets: TenantSecrets, keys: InstallationKeys, monotonic = () => performance.now()) {
    const terms = { forMs: SECRETS_REMEMBERED_MS, monotonic }
    this.#secrets = new Remembered({
      ...terms,
      most: MOST_TENANTS,
      fetch: async (tenant) =>
        (await secrets.of(tenant)).map(({ secret, expiresMs }) => ({
          key: createSecretKey(secret.slice('whsec_'.length), 'base64'),
          expiresMs,
        })),
    })
    this.#privateKeys = new Remembered({
      ...terms,
      most: 1,
      fetch: async () =>
        (await keys.all()).map(({ privateKey, expiresMs }) => ({ key: privateKey, expiresMs })),
    })
  }

  /**
   * The header fields that prove a message to be the tenant's.
   *
   * @param message its timestamp, on Redis's clock, also tells which secrets hold
   * @throws {SealError} if SECRETS_KEY does not open the secrets
   * @throws {StoreUnavailable}
   */
  async sign(tenant: string, message: Message): Promise<SignatureHeaders> {
    const [secrets, privateKeys] = await Promise.all([
      this.#secrets.get(tenant),
      this.#privateKeys.get(INSTALLATION),
    ])
    return signMessage(message, {
      secrets: holding(secrets, message.timestampMs),
      privateKeys: holding(privateKeys, message.timestampMs),
    })
  }
}

function holding(keys: HeldKey[], atMs: number): KeyObject[] {
  return keys.filter(({ expiresMs }) => expiresMs === null || expiresMs > atMs).map(({ key }) => key)
}
