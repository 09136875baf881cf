import { equal } from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import type { LaneJobs } from '../../lane-jobs.ts'
import { contentsOf, newerScripts, scriptsOfFormats, type TestStore } from '../../testing/index.ts'
import { type ScriptAnswer, type ScriptArgument, type ScriptName, Scripts } from '../scripts.ts'

/** Two releases of which the older one reads what the newer one writes, as every two that follow each other must. */
const OLDER = scriptsOfFormats({ read: 2, written: 1 })
const NEWER = newerScripts({ read: 2, written: 2 })
/** Arguments of a create, an item. */
const CREATE_STRIDE = 18

/** Another connection to a store's Redis, closed when the test is over. */
export function connectionOf({ redis }: TestStore): Redis {
  const another = redis.duplicate()
  onTestFinished(() => another.disconnect())
  return another
}

type Sources = ReadonlyMap<ScriptName, string>

/** Which version has run which scripts: `older claim`. */
export type Ran = Set<string>

/**
 * The scripts of two versions of the program side by side, as if each transition met whichever of two processes: by chance, but
 * the same for the same sequence of calls.
 */
export class TwoVersions extends Scripts {
  readonly #store: TestStore
  readonly #newer: Scripts
  readonly #ran: Ran
  readonly #createdByNewer = new Set<ScriptArgument>()
  #chance: number
  #newerWrote = false

  /**
   * @param redis a connection for the newer version; the store's is for the older one
   * @param seed of chance, a natural number
   * @param sources of both; others than the usual ones may write one format, and are not to be checked for what they write
   */
  constructor(
    store: TestStore,
    redis: Redis,
    jobs: Pick<LaneJobs, 'add'>,
    ran: Ran,
    seed: number,
    sources = { older: OLDER, newer: NEWER } as { older: Sources; newer: Sources },
  ) {
    super(store.redis, store.prefix, jobs, 1, sources.older)
    this.#store = store
    this.#newer = new Scripts(redis, store.prefix, jobs, 1, sources.newer)
    this.#ran = ran
    this.#chance = seed + 1
  }

  override async run(name: ScriptName, shard: number, args: ScriptArgument[]): Promise<ScriptAnswer> {
    const newer = this.#byNewer()
    this.#ran.add(`${newer ? 'newer' : 'older'} ${name}`)
    if (!newer) return super.run(name, shard, args)
    this.#newerWrote ||= !NEWER.get(name)!.startsWith('#!lua flags=no-writes')
    if (name === 'create') {
      for (let at = 0; at < args.length; at += CREATE_STRIDE) this.#createdByNewer.add(args[at]!)
    }
    return this.#newer.run(name, shard, args)
  }

  /** What the newer version wrote is there, whatever the older one did since. @throws {AssertionError} */
  async check(): Promise<void> {
    const contents = await contentsOf(this.#store)
    const [format] = contents.list('format')
    if (this.#newerWrote) equal(format, '2', 'the newest format that was written is told')
    for (const id of [...contents.open.keys(), ...contents.done.keys()]) {
      const newer = this.#createdByNewer.has(id)
      equal(contents.field(id, 'format'), newer ? '2' : '1', 'a record tells its format')
      equal(contents.field(id, 'made_by'), newer ? 'newer' : undefined, 'what is not known is kept')
    }
  }

  // Marsaglia's xorshift of 32 bits.
  #byNewer(): boolean {
    this.#chance ^= this.#chance << 13
    this.#chance ^= this.#chance >>> 17
    this.#chance ^= this.#chance << 5
    return (this.#chance & 64) !== 0
  }
}
