import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { parseHostsFile } from './hosts-file.ts'

/** What became of a name. */
export type Resolution =
  | { outcome: 'addresses'; addresses: string[] }
  /** DNS knows no address of it. */
  | { outcome: 'unknown' }
  /** DNS did not answer in time, refused, or failed. */
  | { outcome: 'unanswered' }

export interface NameResolverOptions {
  /** `ADDRESS:PORT` of DNS servers; those of the system, if not given. */
  servers?: readonly string[]
  /** Text of the hosts file; that of the system, if not given. */
  hosts?: string
  /** How long one server has to answer before it is asked once more. */
  askAgainMs?: number
  /** Most names that are looked up at a time; one too many is unanswered at once. */
  mostAtOnce?: number
}

/** One packet may get lost. */
const TRIES = 2

/**
 * Looks names up: in the hosts file, as it was when the process started, then in DNS. Never through `dns.lookup`: that
 * takes a thread of a pool of four, and four names that hang hold up everybody (files and Redis connections too). Here a
 * look-up is two packets, so those that hang delay no other, and those of the same name are one.
 *
 * Names are taken as they are: the search list of `resolv.conf` is not applied. A name of one label, such as a service of
 * Docker Compose, is still asked for.
 */
export class NameResolver {
  readonly #resolver: Resolver
  readonly #hosts: Map<string, string[]>
  readonly #mostAtOnce: number
  readonly #underWay = new Map<string, Promise<Resolution>>()

  constructor({ servers, hosts, askAgainMs = 1_000, mostAtOnce = 1_000 }: NameResolverOptions = {}) {
    this.#resolver = new Resolver({ timeout: askAgainMs, tries: TRIES, maxTimeout: askAgainMs })
    if (servers) this.#resolver.setServers(servers)
    this.#hosts = parseHostsFile(hosts ?? systemHosts())
    this.#mostAtOnce = mostAtOnce
  }

  /**
   * The addresses of a name, those of IPv4 first: nearly every receiver has one, and not every network IPv6.
   *
   * @param name in canonical form (lower case, punycode)
   * @param withinMs after which it counts as unanswered
   */
  async resolve(name: string, withinMs: number): Promise<Resolution> {
    const known = this.#hosts.get(name)
    if (known) return { outcome: 'addresses', addresses: known }
    const underWay = this.#underWay.get(name)
    if (!underWay && this.#underWay.size >= this.#mostAtOnce) return { outcome: 'unanswered' }
    return withinTime(underWay ?? this.#ask(name), withinMs)
  }

  /** Ends what is under way; it is unanswered. */
  close(): void {
    this.#resolver.cancel()
  }

  #ask(name: string): Promise<Resolution> {
    const asking = Promise.allSettled([this.#resolver.resolve4(name), this.#resolver.resolve6(name)])
      .then(resolutionOf)
      .finally(() => this.#underWay.delete(name))
    this.#underWay.set(name, asking)
    return asking
  }
}

/** One family that fails does not take away the addresses of the other: only those that are told are connected to. */
function resolutionOf(answers: PromiseSettledResult<string[]>[]): Resolution {
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  if (addresses.length > 0) return { outcome: 'addresses', addresses }
  const unanswered = answers.some((answer) => answer.status === 'rejected' && !isUnknown(answer.reason))
  return { outcome: unanswered ? 'unanswered' : 'unknown' }
}

function isUnknown({ code }: { code?: string }): boolean {
  return code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME'
}

function withinTime(resolving: Promise<Resolution>, withinMs: number): Promise<Resolution> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, withinMs, { outcome: 'unanswered' })
    resolving.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function systemHosts(): string {
  try {
    return readFileSync('/etc/hosts', 'utf8')
  } catch {
    // Not every image has one.
    return ''
  }
}
