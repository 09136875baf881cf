import { randomBytes } from 'node:crypto'
import type { ActedBy } from '../audit/acted-by.ts'
import type { Scripts } from '../store/scripts.ts'
import type { Sealer } from './sealer.ts'
import { type HeldSecret, ROTATION_OVERLAP_MS, SecretRings } from './secret-rings.ts'

const SECRET_BYTES = 32

/** A secret that a tenant's receivers know its callbacks by. */
export interface TenantSecret {
  tenant: string
  /** `whsec_` and base64: the form of Standard Webhooks. */
  secret: string
  createdMs: number
  /** When callbacks are no longer signed with it; null for the newest. */
  expiresMs: number | null
}

/** The secrets that callbacks are signed with, by tenant. A tenant's first is made when it is first asked for. */
export class TenantSecrets {
  readonly #rings: SecretRings

  constructor(scripts: Scripts, sealer: Sealer) {
    this.#rings = new SecretRings(scripts, sealer, 'callback', () => randomBytes(SECRET_BYTES))
  }

  /** The tenants that have secrets. @throws {StoreUnavailable} */
  tenants(): Promise<string[]> {
    return this.#rings.owners()
  }

  /**
   * One, or two while a rotation is under way, newest first.
   *
   * @throws {SealError} if SECRETS_KEY does not open them
   * @throws {StoreUnavailable}
   */
  async of(tenant: string): Promise<TenantSecret[]> {
    return (await this.#rings.of(tenant)).map((held) => inWords(tenant, held))
  }

  /**
   * Makes a new secret. The one before goes on to be valid for the overlap, so that receivers have that long to take the new
   * one; one from an earlier rotation that is not over yet is dropped.
   *
   * @param overlapMs 0: nothing but the new one is valid; also the way out when SECRETS_KEY is lost
   * @param by without it the trail does not tell of it
   * @throws {SealError} if the one that is to stay valid cannot be opened; then nothing has changed
   * @throws {StoreUnavailable}
   */
  async rotate(tenant: string, overlapMs = ROTATION_OVERLAP_MS, by?: ActedBy): Promise<TenantSecret[]> {
    const note = { tenant, action: 'secret.rotate', by } as const
    return (await this.#rings.rotate(tenant, overlapMs, note)).map((held) => inWords(tenant, held))
  }

  /** Seals all with the first key of SECRETS_KEY. @returns how many were not. @throws as `of` */
  reseal(): Promise<number> {
    return this.#rings.reseal()
  }
}

function inWords(tenant: string, { plain, createdMs, expiresMs }: HeldSecret): TenantSecret {
  return { tenant, secret: `whsec_${plain.toString('base64')}`, createdMs, expiresMs }
}
