import type { Scripts } from '../store/scripts.ts'

/** What a limit may be, and what it limits. */
export interface LimitKind {
  /** 0 is no limit, where it may be that. */
  least: number
  most: number
  /** In words. */
  description: string
}

/** Every limit of a tenant, by its name. All are whole numbers. */
export const LIMIT_KINDS = {
  requests: { least: 0, most: 1_000_000, description: 'requests a second' },
  waiting: { least: 0, most: 1_000_000_000, description: 'tasks that wait in a lane' },
  running: { least: 0, most: 1_000_000, description: 'tasks that run at once in a lane' },
  stored: {
    least: 0,
    most: Number.MAX_SAFE_INTEGER,
    description: 'bytes that its tasks and deliveries take',
  },
  weight: { least: 1, most: 1_000, description: 'its share of a lane, where others have 1' },
} as const satisfies Record<string, LimitKind>

export type LimitName = keyof typeof LIMIT_KINDS

export const LIMIT_NAMES = Object.keys(LIMIT_KINDS) as LimitName[]

/** What an operator has set for a tenant; what is not there is the default. */
export type SetLimits = Partial<Record<LimitName, number>>

/** The limits that operators have set for tenants. They stand in every shard, so that each script finds them where it works. */
export class TenantLimits {
  readonly #scripts: Scripts

  constructor(scripts: Scripts) {
    this.#scripts = scripts
  }

  /**
   * Sets some limits of a tenant, or, by null, makes them the default again; the others stay. If it throws, some shards may have
   * them: to be repeated.
   *
   * @returns whether the tenant has ever had a task
   * @throws {RangeError} for a number that its limit cannot be
   * @throws {StoreUnavailable}
   */
  async set(
    tenant: string,
    changes: Partial<Record<LimitName, number | null>>,
  ): Promise<{ hadTasks: boolean }> {
    const args = Object.entries(changes).flatMap(([name, value]) => {
      if (value !== null) refuseOutOfRange(name as LimitName, value)
      return [name, value ?? '']
    })
    let hadTasks = false
    // The first one, which lists are made of, comes last.
    for (let shard = this.#scripts.shards - 1; shard >= 0; shard--) {
      const { answer } = await this.#scripts.run('set-limits', shard, [tenant, ...args])
      hadTasks ||= answer === 1
    }
    return { hadTasks }
  }

  /** All that were set, by tenant, in the order of their names. @throws {StoreUnavailable} */
  async list(): Promise<Map<string, SetLimits>> {
    const { answer } = await this.#scripts.run('list-limits', 0, [])
    const flat = answer as string[]
    const found = new Map<string, SetLimits>()
    for (let at = 0; at < flat.length; at += 2) {
      const [tenant, name] = flat[at]!.split(' ') as [string, LimitName]
      found.set(tenant, { ...found.get(tenant), [name]: Number(flat[at + 1]) })
    }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** One limit of some tenants; null where it is the default. @throws {StoreUnavailable} */
  async read(name: LimitName, tenants: readonly string[]): Promise<(number | null)[]> {
    const { answer } = await this.#scripts.run('read-limits', 0, [name, ...tenants])
    return (answer as (string | null)[]).map((text) => (text === null ? null : Number(text)))
  }
}

function refuseOutOfRange(name: LimitName, value: number): void {
  const { least, most } = LIMIT_KINDS[name]
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw new RangeError(`${name} must be a whole number of ${least} to ${most}: ${value}`)
}
