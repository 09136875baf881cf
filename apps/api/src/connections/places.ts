import { isIPv6 } from 'node:net'

export interface PlaceLimits {
  inAll: number
  /** Undefined: any number. */
  perAddress: number | undefined
}

/** Who has how many connections. */
export class Places {
  readonly #limits: PlaceLimits
  readonly #byAddress = new Map<string, number>()
  #taken = 0

  constructor(limits: PlaceLimits) {
    this.#limits = limits
  }

  /** Takes a place, if there is one. */
  take(address: string): boolean {
    const { inAll, perAddress = inAll } = this.#limits
    const holder = holderOf(address)
    const held = this.#byAddress.get(holder) ?? 0
    if (this.#taken >= inAll || held >= perAddress) return false
    this.#taken += 1
    this.#byAddress.set(holder, held + 1)
    return true
  }

  /** Gives back a place that was taken. */
  free(address: string): void {
    const holder = holderOf(address)
    const held = this.#byAddress.get(holder)!
    this.#taken -= 1
    if (held > 1) this.#byAddress.set(holder, held - 1)
    else this.#byAddress.delete(holder)
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken
  }
}

/** An IPv4 address; of IPv6 the first 64 bits, since whoever has one address there has all of its network. */
function holderOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  if (!isIPv6(address)) return address
  const [head, tail] = address.split('%')[0]!.split('::') as [string, string | undefined]
  const front = head === '' ? [] : head.split(':')
  const back = tail ? tail.split(':') : []
  const gap = tail === undefined ? 0 : 8 - front.length - back.length
  return [...front, ...Array<string>(gap).fill('0'), ...back].slice(0, 4).join(':')
}
