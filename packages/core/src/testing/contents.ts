import { decodeRecord, type TaskRecord } from '../store/record.ts'
import { composeScript, type Scripts } from '../store/scripts.ts'
import { withFormats } from './versions.ts'

/** Knows whatever format a test writes. */
const CONTENTS = withFormats(composeScript(new URL('./contents.lua', import.meta.url)), {
  read: Number.MAX_SAFE_INTEGER,
  written: 0,
})

/** As packing.lua and outbox.lua have them. */
const RECORD_BYTES = 550
const DELIVERY_BYTES = 700
const OPEN_BYTES = 1_200

/** All that a shard keeps, but for BullMQ's own; keys without their prefix. */
export class Contents {
  readonly open = new Map<string, TaskRecord>()
  readonly done = new Map<string, TaskRecord>()
  readonly #texts = new Map<string, string>()
  readonly #packedBytes = new Map<string, number>()
  readonly #other = new Map<string, string[]>()

  /** @param reply what contents.lua answers */
  constructor(reply: unknown[]) {
    for (let at = 1; at < reply.length; at += 2) {
      const [key, content] = [reply[at] as string, reply[at + 1] as string[]]
      if (key.startsWith('done:')) this.#packedBytes.set(key.slice(5), Number(content[1]))
      const id = key.slice(5)
      if (key.startsWith('open:') || key.startsWith('done:')) this.#texts.set(id, content[0]!)
      if (key.startsWith('open:')) this.open.set(id, decodeRecord(id, content[0]!))
      else if (key.startsWith('done:')) this.done.set(id, decodeRecord(id, content[0]!))
      else this.#other.set(key, content)
    }
  }

  /** Keys that are no records. */
  get keys(): string[] {
    return [...this.#other.keys()]
  }

  /** The members of a list or set. */
  list(key: string): string[] {
    return this.#other.get(key) ?? []
  }

  /** A hash, or a sorted set with its scores. */
  map(key: string): Map<string, string> {
    const flat = this.list(key)
    return new Map(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n]!, flat[2 * n + 1]!]))
  }

  /** A record as it is kept. */
  text(taskId: string): string {
    return this.#texts.get(taskId)!
  }

  /** What an ended task counts in the figure `stored`. */
  storedBytesOf(taskId: string): number {
    return this.#packedBytes.get(taskId)! + RECORD_BYTES
  }

  /** What the figure `stored` has to be: of all ended records and deliveries. */
  get storedBytes(): number {
    return [...this.storedByTenant].reduce(
      (sum, [name, bytes]) => sum + (name.endsWith(' ended') ? bytes : 0),
      0,
    )
  }

  /** What each tenant has to be charged for: `TENANT open`, `TENANT ended`, where that is anything. */
  get storedByTenant(): Map<string, number> {
    const bytes = new Map<string, number>()
    const add = (name: string, more: number) => bytes.set(name, (bytes.get(name) ?? 0) + more)
    for (const [id, { tenant }] of this.open) {
      const parts = ['head', 'body'].map((name) => Buffer.byteLength(this.field(id, name)!))
      add(`${tenant} open`, OPEN_BYTES + parts[0]! + parts[1]!)
    }
    for (const [id, { tenant }] of this.done) add(`${tenant} ended`, this.storedBytesOf(id))
    for (const key of this.keys.filter((name) => name.startsWith('dlv:'))) {
      const delivery = this.map(key)
      const texts = [...delivery].filter(([name]) => name === 'record' || name.startsWith('attempt:'))
      const size = texts.reduce((sum, [, text]) => sum + Buffer.byteLength(text), DELIVERY_BYTES)
      add(`${delivery.get('flow')!.split(' ')[0]} ended`, size)
    }
    return bytes
  }

  /** A field of a record that decoding leaves out. */
  field(taskId: string, name: string): string | undefined {
    const flat = this.#texts.get(taskId)!.split('\u001f')
    for (let at = 0; at < flat.length; at += 2) if (flat[at] === name) return flat[at + 1]
    return undefined
  }
}

/** Looks at all that the first shard keeps, at one moment. */
export async function contentsOf({
  redis,
  scripts,
}: {
  redis: Scripts['redis']
  scripts: Scripts
}): Promise<Contents> {
  return new Contents((await redis.eval(CONTENTS, 1, scripts.prefixOf(0))) as unknown[])
}
