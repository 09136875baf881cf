import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { guarded } from './outage.ts'
import { RedisClock } from './redis-clock.ts'

const NAMES = [
  'cancel',
  'claim',
  'confirm',
  'create',
  'delete',
  'end',
  'heartbeat',
  'keep-secret',
  'lane',
  'list',
  'progress',
  'read',
  'read-secrets',
  'renew',
  'requeue',
  'reseal-secret',
  'rotate-secret',
  'step',
  'tick',
] as const
export type ScriptName = (typeof NAMES)[number]

/** What a script takes besides its place. */
export type ScriptArgument = string | number

/**
 * What a script answers: Redis's time in ms, then what its head comment says. Lua's numbers arrive as whole numbers,
 * its strings as strings, `false` as null.
 */
export type ScriptReply = [now: number, ...rest: unknown[]]

type ScriptCommands = Record<string, (...args: ScriptArgument[]) => Promise<ScriptReply>>

/** The sources, each with the libraries that its second line names put before it. */
export const SCRIPT_SOURCES: ReadonlyMap<ScriptName, string> = new Map(
  NAMES.map((name) => [name, composeScript(new URL(`../scripts/${name}.lua`, import.meta.url))]),
)

/** The source of a script as Redis is sent it: with its libraries. */
export function composeScript(file: URL): string {
  const library = (name: string) => new URL(`../scripts/lib/${name}.lua`, import.meta.url)
  const [shebang, uses, ...body] = readFileSync(file, 'utf8').split('\n')
  const libraries = uses!.replace('-- uses ', '').split(' ')
  return [shebang, ...libraries.map((name) => readFileSync(library(name), 'utf8')), ...body].join('\n')
}

/**
 * The Lua scripts on one connection. Each is one transition in one place under `KEYS[1]`, its prefix: a shard, or where the
 * secrets are.
 */
export class Scripts {
  readonly redis: Redis
  readonly clock = new RedisClock()
  /** Number of shards; a shard is 0…shards-1. */
  readonly shards: number
  readonly #prefix: string
  readonly #commands: ScriptCommands

  /** @param prefix what every key begins with; no `{`, `}` */
  constructor(redis: Redis, prefix: string, shards = 1) {
    this.redis = redis
    this.shards = shards
    this.#prefix = prefix
    for (const [name, lua] of SCRIPT_SOURCES)
      redis.defineCommand(`accepted:${name}`, { lua, numberOfKeys: 1 })
    this.#commands = redis as unknown as ScriptCommands
  }

  /** The prefix of all keys of a shard, with their common hash tag. */
  prefixOf(shard: number): string {
    return `${this.#prefix}:{${shard}}:`
  }

  /** The prefix of the secrets, outside the shards: the tasks of one tenant may be in any, and its secrets are few. */
  get secretsPrefix(): string {
    return `${this.#prefix}:{secrets}:`
  }

  /** @throws {StoreUnavailable} when Redis is away; any other error is a fault in a script */
  async run(name: ScriptName, shard: number, args: ScriptArgument[]): Promise<ScriptReply> {
    return this.#run(name, this.prefixOf(shard), args)
  }

  /** Runs a script where the secrets are. @throws {StoreUnavailable} as `run` */
  async runOnSecrets(name: ScriptName, args: ScriptArgument[]): Promise<ScriptReply> {
    return this.#run(name, this.secretsPrefix, args)
  }

  async #run(name: ScriptName, prefix: string, args: ScriptArgument[]): Promise<ScriptReply> {
    const reply = await guarded(() => this.#commands[`accepted:${name}`]!.call(this.redis, prefix, ...args))
    this.clock.learn(reply[0])
    return reply
  }

  /**
   * Now, on Redis's clock, in ms; asks Redis the first time.
   *
   * @throws {StoreUnavailable}
   */
  async now(): Promise<number> {
    if (!this.clock.known) {
      const [seconds, micros] = await guarded(() => this.redis.time())
      this.clock.learn(Number(seconds) * 1000 + Math.floor(Number(micros) / 1000))
    }
    return this.clock.now()
  }
}
