import type { AuditAction } from '@accepted/contract'
import { type ActedBy, actedByText } from '../audit/acted-by.ts'
import type { ScriptArgument, ScriptName, Scripts } from '../store/scripts.ts'
import type { Sealer } from './sealer.ts'

/** How long a secret goes on to hold when a rotation has followed it with another. */
export const ROTATION_OVERLAP_MS = 24 * 60 * 60 * 1000

/** A secret that holds now. */
export interface HeldSecret {
  plain: Buffer
  createdMs: number
  /** When it ceases to hold; null for the newest, which holds until it is rotated. */
  expiresMs: number | null
}

/** How the trail tells of a rotation. */
export interface RotationNote {
  /** '' for what concerns no tenant. */
  tenant: string
  action: AuditAction
  by: ActedBy | undefined
}

interface SealedSecret extends Omit<HeldSecret, 'plain'> {
  sealed: string
}

/**
 * Secrets in Redis, sealed, by their owner. An owner has one, or two while a rotation is under way, newest first. All times
 * are Redis's.
 */
export class SecretRings {
  readonly #scripts: Scripts
  readonly #sealer: Sealer
  readonly #kind: string
  readonly #make: () => Buffer

  /** @param make makes a new secret */
  constructor(scripts: Scripts, sealer: Sealer, kind: string, make: () => Buffer) {
    this.#scripts = scripts
    this.#sealer = sealer
    this.#kind = kind
    this.#make = make
  }

  /** Who has secrets, in the order of names. @throws {StoreUnavailable} */
  async owners(): Promise<string[]> {
    return [...(await this.#read()).keys()].sort()
  }

  /**
   * The secrets of an owner. The first is made when it is first asked for; whoever asks at the same time, in whichever
   * process, gets the same.
   *
   * @throws {SealError} if they were sealed with a key that is not here
   * @throws {StoreUnavailable}
   */
  async of(owner: string): Promise<HeldSecret[]> {
    const known = (await this.#read(owner)).get(owner)
    return this.#opened(owner, known ?? (await this.#write('keep-secret', owner, this.#newSealed(owner))))
  }

  /**
   * Gives an owner a new secret. The one before holds for the overlap longer; one that is older still, since the last rotation
   * is not over, ceases to hold at once.
   *
   * @param overlapMs 0: the secrets before cease to hold at once, which works also if no key opens them
   * @throws {SealError} if the one that is to go on holding cannot be opened; then nothing was rotated
   * @throws {StoreUnavailable}
   */
  async rotate(
    owner: string,
    overlapMs: number,
    { tenant, action, by }: RotationNote,
  ): Promise<HeldSecret[]> {
    if (overlapMs > 0) this.#opened(owner, (await this.#read(owner)).get(owner) ?? [])
    const sent = [this.#newSealed(owner), Math.ceil(overlapMs), tenant, action, actedByText(by)]
    return this.#opened(owner, await this.#write('rotate-secret', owner, ...sent))
  }

  /**
   * Seals anew what is not sealed with the first key, so that the others can be given up.
   *
   * @returns how many secrets were
   * @throws {SealError} at the first that cannot be opened
   * @throws {StoreUnavailable}
   */
  async reseal(): Promise<number> {
    let resealed = 0
    for (const [owner, secrets] of await this.#read()) {
      for (const { sealed } of secrets.filter((secret) => !this.#sealer.isCurrent(secret.sealed))) {
        const place = this.#placeOf(owner)
        const anew = this.#sealer.seal(this.#sealer.open(sealed, place), place)
        resealed += (await this.#run('reseal-secret', owner, sealed, anew)) as number
      }
    }
    return resealed
  }

  #newSealed(owner: string): string {
    return this.#sealer.seal(this.#make(), this.#placeOf(owner))
  }

  #opened(owner: string, secrets: SealedSecret[]): HeldSecret[] {
    return secrets.map(({ sealed, createdMs, expiresMs }) => ({
      plain: this.#sealer.open(sealed, this.#placeOf(owner)),
      createdMs,
      expiresMs,
    }))
  }

  #placeOf(owner: string) {
    return { kind: this.#kind, owner }
  }

  /** All rings, or that of one owner, if there is one. */
  async #read(...owner: [string?]): Promise<Map<string, SealedSecret[]>> {
    const rings = (await this.#run('read-secrets', ...(owner as string[]))) as string[]
    return new Map(
      Array.from({ length: rings.length / 2 }, (_, at) => [rings[2 * at]!, ringOf(rings[2 * at + 1]!)]),
    )
  }

  async #write(name: ScriptName, ...args: ScriptArgument[]): Promise<SealedSecret[]> {
    return ringOf((await this.#run(name, ...args)) as string)
  }

  async #run(name: ScriptName, ...args: ScriptArgument[]): Promise<unknown> {
    const { answer } = await this.#scripts.runOnSecrets(name, [this.#kind, ...args])
    return answer
  }
}

/** A ring as lib/rings.lua has it. */
function ringOf(text: string): SealedSecret[] {
  return text.split('\n').map((line) => {
    const [created, expires, sealed] = line.split(' ')
    return {
      sealed: sealed!,
      createdMs: Number(created),
      expiresMs: expires === '0' ? null : Number(expires),
    }
  })
}
