import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { ActedBy } from '../audit/acted-by.ts'
import type { Scripts } from '../store/scripts.ts'
import { type PublicJwk, publicJwk } from './public-key.ts'
import type { Sealer } from './sealer.ts'
import { type HeldSecret, ROTATION_OVERLAP_MS, SecretRings } from './secret-rings.ts'

const OWNER = 'installation'
const DER = { format: 'der', type: 'pkcs8' } as const

/** An Ed25519 key pair that callbacks of all tenants are signed with. */
export interface InstallationKey {
  privateKey: KeyObject
  publicJwk: PublicJwk
  createdMs: number
  /** When callbacks are no longer signed with it; null for the newest. */
  expiresMs: number | null
}

/**
 * The Ed25519 keys of the installation: who has their public part can tell its callbacks from others, but cannot sign any. The
 * first is made when it is first asked for.
 */
export class InstallationKeys {
  readonly #rings: SecretRings

  constructor(scripts: Scripts, sealer: Sealer) {
    this.#rings = new SecretRings(scripts, sealer, 'signing', () =>
      generateKeyPairSync('ed25519').privateKey.export(DER),
    )
  }

  /**
   * One, or two while a rotation is under way, newest first.
   *
   * @throws {SealError} if SECRETS_KEY does not open them
   * @throws {StoreUnavailable}
   */
  async all(): Promise<InstallationKey[]> {
    return (await this.#rings.of(OWNER)).map(keyOf)
  }

  /**
   * Makes a new pair, as `TenantSecrets.rotate` does a secret. Receivers that keep the public keys of before verify until the
   * overlap is over.
   *
   * @throws as `TenantSecrets.rotate`
   */
  async rotate(overlapMs = ROTATION_OVERLAP_MS, by?: ActedBy): Promise<InstallationKey[]> {
    const note = { tenant: '', action: 'signing_key.rotate', by } as const
    return (await this.#rings.rotate(OWNER, overlapMs, note)).map(keyOf)
  }

  /** Seals all with the first key of SECRETS_KEY. @returns how many were not. @throws as `all` */
  reseal(): Promise<number> {
    return this.#rings.reseal()
  }
}

function keyOf({ plain, createdMs, expiresMs }: HeldSecret): InstallationKey {
  const privateKey = createPrivateKey({ key: plain, ...DER })
  return { privateKey, publicJwk: publicJwk(privateKey), createdMs, expiresMs }
}
