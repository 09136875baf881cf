import type { Caller, FuzzRequest, Id } from './requests.ts'

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g
/** Ids by the paths that they stand in. */
const PLACES: Record<string, RegExp> = {
  task_id: /\/(?:tasks|operations)\/([0-9a-f-]{36})/g,
  car_id: /\/cars\/([0-9a-f-]{36})/g,
  reservation_id: /\/reservations\/([0-9a-f-]{36})/g,
  report_id: /\/reports\/([0-9a-f-]{36})/g,
  delivery_id: /"(dlv_[0-9a-f-]{36})"/g,
}
const MOST = 200

type Tenant = 'north' | 'south'

/** What answers have told each tenant, and whose each id is. */
export class Known {
  readonly #ids: Record<Tenant, Map<string, string[]>> = { north: new Map(), south: new Map() }
  readonly #tags: string[] = []
  readonly #cursors: string[] = []
  readonly #owners = new Map<string, Tenant>()
  /** What each has asked for: that may come back in the words of an error. */
  readonly #sent: Record<Tenant, Set<string>> = { north: new Set(), south: new Set() }

  /** How many ids there are of each kind. */
  get counts(): Record<string, number> {
    const both = [...this.#ids.north, ...this.#ids.south]
    return Object.fromEntries(
      Object.keys(PLACES).map((name) => [
        name,
        both.filter(([kind]) => kind === name).reduce((sum, [, ids]) => sum + ids.length, 0),
      ]),
    )
  }

  /** The request as it is sent: its URL and fields. */
  resolve(request: FuzzRequest): { path: string; headers: Record<string, string> } {
    const { caller, path, ids, query, cursor, headers, tag } = request
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => this.#idOf(name, ids[name]!, caller))
    const all = [...query]
    const known = cursor === null ? undefined : this.#cursors.at(-1 - cursor)
    if (known) all.push(['cursor', known])
    const search = all.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')
    const etag = tag === null ? undefined : this.#tags.at(-1 - tag)
    return {
      path: search ? `${filled}?${search}` : filled,
      headers: etag ? { ...headers, 'if-none-match': etag } : headers,
    }
  }

  #idOf(name: string, id: Id, caller: Caller): string {
    if ('text' in id) return encoded(id.text)
    const own: Tenant = caller === 'south' ? 'south' : 'north'
    const tenant = id.of === 'own' ? own : own === 'north' ? 'south' : 'north'
    const known = this.#ids[tenant].get(name) ?? []
    return known[id.at % Math.max(1, known.length)] ?? 'none'
  }

  /**
   * Learns from an answer; tells the ids in it that are another tenant's and that its caller never sent.
   *
   * @param sent the request as text
   */
  learn({ caller, isOpen }: FuzzRequest, sent: string, answer: Response, text: string): string[] {
    // What is open to all has examples.
    if (isOpen) return []
    const tenant = tenantOf(caller)
    const asked: string[] = sent.match(UUID) ?? []
    if (tenant) for (const id of asked) this.#sent[tenant].add(id)
    const fields = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n')
    const told = `${fields}\n${text}`
    const ids = [...new Set<string>(told.match(UUID))].filter(
      (id) => !(tenant ? this.#sent[tenant].has(id) : asked.includes(id)),
    )
    const foreign = ids.filter((id) => this.#owners.get(id) !== undefined && this.#owners.get(id) !== tenant)
    if (!tenant || answer.status >= 400) return foreign
    for (const id of ids) if (!this.#owners.has(id)) this.#owners.set(id, tenant)
    for (const [name, place] of Object.entries(PLACES)) {
      const known = this.#ids[tenant].get(name) ?? []
      const fresh = [...told.matchAll(place)]
        .map((match) => match[1]!)
        .filter((id) => this.#mayUse(id, tenant))
      this.#ids[tenant].set(name, [...new Set([...known, ...fresh])].slice(-MOST))
    }
    const etag = answer.headers.get('etag')
    if (etag) keep(this.#tags, etag)
    const [, cursor] = /[?&]cursor=([^>&"]+)/.exec(told) ?? []
    if (cursor) keep(this.#cursors, decodeURIComponent(cursor))
    return foreign
  }

  #mayUse(id: string, tenant: Tenant): boolean {
    const owner = this.#owners.get(id.replace('dlv_', ''))
    return owner === undefined || owner === tenant
  }

  /**
   * Whether an answer tells that there is what only the other tenant has. A car may be asked for by a task that then fails, and what
   * is of a task of one's own is judged by that task first.
   */
  betrays(caller: Caller, path: string, status: number): boolean {
    const tenant = tenantOf(caller)
    const [place] = path.split('?')
    if (!tenant || /^\/cars\/[^/]+(\/reservations)?$/.test(place!)) return false
    const ids: string[] = place!.match(UUID) ?? []
    const [first, ...others] = ids.map((id) => (this.#owners.get(id) ?? tenant) !== tenant)
    if (first) return status < 400 || status === 409 || status === 410
    return others.includes(true) && status < 400
  }
}

function tenantOf(caller: Caller): Tenant | undefined {
  if (caller === 'south') return 'south'
  return caller.startsWith('north') ? 'north' : undefined
}

/** Percent-encoded as UTF-8; what is no whole character, as the escapes that some clients send. */
function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : escape(text)
}

function keep(list: string[], value: string): void {
  list.push(value)
  if (list.length > MOST) list.shift()
}
