import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { type LaneJobs, shardPrefix } from '../lane-jobs.ts'
import { guarded } from './outage.ts'
import { RedisClock } from './redis-clock.ts'

const NAMES = [
  'cancel',
  'check-keys',
  'claim',
  'confirm',
  'create',
  'create-key',
  'delete',
  'end',
  'figures',
  'heartbeat',
  'keep-secret',
  'lane',
  'list',
  'list-deliveries',
  'list-endpoints',
  'list-keys',
  'list-limits',
  'progress',
  'read',
  'read-keys',
  'read-limits',
  'read-secrets',
  'recover',
  'redeliver',
  'renew',
  'requeue',
  'reseal-secret',
  'revoke-key',
  'rotate-secret',
  'set-limits',
  'settle-delivery',
  'step',
  'take-delivery',
  'tick',
  'use-keys',
  'withdraw',
] as const
export type ScriptName = (typeof NAMES)[number]

/** What a script takes besides its place. */
export type ScriptArgument = string | number

/**
 * What a script answers, as its head comment says, and Redis's time in ms. Lua's numbers arrive as whole numbers, its
 * strings as strings, `false` as null.
 */
export interface ScriptAnswer {
  nowMs: number
  answer: unknown
}

/** `wanted`: lane, number of jobs, lane, number of jobs, … */
type ScriptReply = [nowMs: number, wanted: (string | number)[], answer: unknown]
type ScriptCommands = Record<string, (...args: ScriptArgument[]) => Promise<ScriptReply>>

/** The sources, each with the libraries that its second line names put before it. */
export const SCRIPT_SOURCES: ReadonlyMap<ScriptName, string> = new Map(
  NAMES.map((name) => [name, composeScript(new URL(`../scripts/${name}.lua`, import.meta.url))]),
)

/**
 * The source of a script as Redis is sent it: with its libraries. Its own text is a function, since one has at most 200 locals,
 * and the libraries together have nearly as many.
 */
export function composeScript(file: URL): string {
  const library = (name: string) => new URL(`../scripts/lib/${name}.lua`, import.meta.url)
  const [shebang, uses, ...body] = readFileSync(file, 'utf8').split('\n')
  const libraries = uses!.replace('-- uses ', '').split(' ')
  const sources = libraries.map((name) => readFileSync(library(name), 'utf8'))
  return [shebang, ...sources, 'local function script()', ...body, 'end', 'return script()'].join('\n')
}

/**
 * The Lua scripts on one connection. Each is one transition in one place under `KEYS[1]`, its prefix: a shard, or where the
 * secrets are. The jobs that a transition wants in whatever lanes are added here.
 */
export class Scripts {
  readonly redis: Redis
  readonly clock = new RedisClock()
  /** Number of shards; a shard is 0…shards-1. */
  readonly shards: number
  readonly #prefix: string
  readonly #jobs: Pick<LaneJobs, 'add'> | null
  readonly #commands: ScriptCommands

  /**
   * @param prefix what every key begins with; no `{`, `}`
   * @param jobs null: for who puts nothing into lanes
   * @param sources those of another version have a connection of their own
   */
  constructor(
    redis: Redis,
    prefix: string,
    jobs: Pick<LaneJobs, 'add'> | null,
    shards = 1,
    sources: ReadonlyMap<ScriptName, string> = SCRIPT_SOURCES,
  ) {
    this.redis = redis
    this.shards = shards
    this.#prefix = prefix
    this.#jobs = jobs
    for (const [name, lua] of sources) redis.defineCommand(`accepted:${name}`, { lua, numberOfKeys: 1 })
    this.#commands = redis as unknown as ScriptCommands
  }

  /** The prefix of all keys of a shard, with their common hash tag. */
  prefixOf(shard: number): string {
    return shardPrefix(this.#prefix, shard)
  }

  /** The prefix of secrets and API keys, outside the shards: the tasks of one tenant may be in any, and what proves who is who is little. */
  get secretsPrefix(): string {
    return `${this.#prefix}:{secrets}:`
  }

  /** @throws {StoreUnavailable} when Redis is away; any other error is a fault in a script */
  async run(name: ScriptName, shard: number, args: ScriptArgument[]): Promise<ScriptAnswer> {
    const [nowMs, wanted, answer] = await this.#run(name, this.prefixOf(shard), args)
    for (let at = 0; at < wanted.length; at += 2) {
      this.#jobs?.add(shard, wanted[at] as string, wanted[at + 1] as number)
    }
    return { nowMs, answer }
  }

  /** Runs a script where the secrets are. @throws {StoreUnavailable} as `run` */
  async runOnSecrets(name: ScriptName, args: ScriptArgument[]): Promise<ScriptAnswer> {
    const [nowMs, , answer] = await this.#run(name, this.secretsPrefix, args)
    return { nowMs, answer }
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
