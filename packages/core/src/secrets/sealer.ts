import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** Where a sealed value belongs; nowhere else can it be opened. */
export interface SealedPlace {
  /** What it is: `callback`. */
  kind: string
  /** Whose it is: a tenant. */
  owner: string
}

/** A sealed value that none of the keys opens. The message tells whoever runs the installation why. */
export class SealError extends Error {
  override name = 'SealError'
}

const ALGORITHM = 'aes-256-gcm'
const VERSION = '1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Keeps secrets at rest: AES-256-GCM. A sealed value is `1.KEY.DATA`: version, id of the key, and in base64url nonce,
 * ciphertext and tag. The tag covers all of it and its place, so that values cannot be changed, nor put in each other's place.
 */
export class Sealer {
  readonly #keys: ReadonlyMap<string, Buffer>
  readonly #sealing: string

  /** @param keys of 32 bytes, at least one: the first seals, all open */
  constructor(keys: readonly Buffer[]) {
    this.#keys = new Map(keys.map((key) => [idOf(key), key]))
    this.#sealing = idOf(keys[0]!)
  }

  seal(plain: Buffer, place: SealedPlace): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(ALGORITHM, this.#keys.get(this.#sealing)!, nonce, {
      authTagLength: TAG_BYTES,
    })
    cipher.setAAD(bindingOf(this.#sealing, place))
    const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    return `${VERSION}.${this.#sealing}.${data.toString('base64url')}`
  }

  /** @throws {SealError} */
  open(sealed: string, place: SealedPlace): Buffer {
    const what = `the ${place.kind} secret of ${place.owner}`
    const [version, keyId, encoded, ...more] = sealed.split('.')
    if (version !== VERSION || keyId === undefined || encoded === undefined || more.length > 0) {
      throw new SealError(`What is kept as ${what} was not sealed by this version of Accepted.`)
    }
    const key = this.#keys.get(keyId)
    if (!key) {
      const held = [...this.#keys.keys()].join(', ')
      throw new SealError(
        `SECRETS_KEY does not open ${what}: it was sealed with the key ${keyId}, and SECRETS_KEY is ${held}.`,
      )
    }
    const data = Buffer.from(encoded, 'base64url')
    try {
      const decipher = createDecipheriv(ALGORITHM, key, data.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(bindingOf(keyId, place))
      decipher.setAuthTag(data.subarray(-TAG_BYTES))
      return Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    } catch (error) {
      throw new SealError(`What is kept as ${what} was changed, or put there from another place.`, {
        cause: error,
      })
    }
  }

  /** Whether a value is sealed with the key that seals now, so that the others can be given up. */
  isCurrent(sealed: string): boolean {
    return sealed.startsWith(`${VERSION}.${this.#sealing}.`)
  }
}

/** Names a key without telling anything of it. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('accepted secrets key\n').update(key).digest('hex').slice(0, 12)
}

function bindingOf(keyId: string, { kind, owner }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([VERSION, keyId, kind, owner]))
}
