import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findServerProgram } from './find-server-program.ts'
import { claimFolder } from './folder-claim.mjs'
import { askServerInfo } from './server-info.ts'
import type { ServerProgram } from './server-program.ts'
import { type Ending, spawnTethered, type TetheredProcess } from './tethered-process.ts'

export interface LocalRedisOptions {
  /** Where its append-only file lives; made if need be. Default: a temporary folder that goes with it. */
  dataDir?: string
  /** Default: a free one. */
  port?: number
  /** Bound on its start, the reading of its data included. Default 60,000. */
  startTimeoutMs?: number
  /** What it has in its environment besides ours. */
  environment?: Record<string, string>
  /** Told in words what takes time, such as a download. */
  say?: (words: string) => void
  /** Gives up a start that is under way; later it has no effect. */
  signal?: AbortSignal
}

export interface LocalRedis {
  url: string
  port: number
  pid: number
  version: string
  /** Resolves when it has ended, by `stop` or by itself. */
  exited: Promise<Ending>
  /** Ends it in order (TERM, KILL after 5 s) and resolves when it is gone. May be called again. */
  stop(): Promise<void>
}

/** Another live Redis of ours writes to the data folder. */
export class DataDirInUseError extends Error {
  override name = 'DataDirInUseError'
  constructor(dataDir: string, pid: number) {
    super(`${dataDir} is in use by another Redis (process ${pid}).`)
  }
}

const stopTimeoutMs = 5_000
/** A copy whose owner was killed needs a moment to end. */
const claimWaitMs = 2_000
const portAttempts = 5

/**
 * Starts a Redis of our own on 127.0.0.1, durable by its append-only file (`everysec`), as a child in its own process
 * group that never outlives this process. Resolves when it serves.
 * @throws DataDirInUseError, or another Error in words: no server program, the port taken, data that it cannot read, a
 * start beyond `startTimeoutMs`; or the signal's reason.
 */
export async function startLocalRedis(options: LocalRedisOptions = {}): Promise<LocalRedis> {
  const { port, say, signal } = options
  const program = await findServerProgram({ ...(say && { say }), signal })
  for (let attempt = 1; ; attempt++) {
    const tried = await tryStart(program, port ?? (await findFreePort()), options)
    if (tried.outcome === 'started') return tried.redis
    if (port !== undefined || attempt === portAttempts) {
      throw new Error(`Redis cannot listen on 127.0.0.1:${tried.port}: the port is taken.`)
    }
  }
}

type Tried = { outcome: 'started'; redis: LocalRedis } | { outcome: 'port_taken'; port: number }

async function tryStart(program: ServerProgram, port: number, options: LocalRedisOptions): Promise<Tried> {
  options.signal?.throwIfAborted()
  const ownFolder =
    options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'accepted-redis-')) : undefined
  const dataDir = resolve(ownFolder ?? (options.dataDir as string))
  await mkdir(dataDir, { recursive: true }).catch((error: Error) => {
    throw new Error(`${dataDir} cannot be used as a data folder: ${error.message}`, { cause: error })
  })
  const server = spawnTethered(program.command, serverArguments(port, dataDir), {
    env: { ...process.env, ...program.env, ...options.environment },
    ...(ownFolder && { folderToRemove: ownFolder }),
  })
  const lastWords = collectLines(server)
  const claim = await claimFor(server, dataDir)
  const exited = server.exited.finally(async () => {
    claim.release()
    if (ownFolder) await rm(ownFolder, { recursive: true, force: true })
  })
  server.begin()
  const up = await waitUntilServing(server, lastWords, port, options).catch(async (error) => {
    await end(server)
    await exited
    throw error
  })
  if (up.outcome === 'serving') {
    return {
      outcome: 'started',
      redis: {
        url: `redis://127.0.0.1:${port}`,
        port,
        pid: server.pid,
        version: up.version,
        exited,
        stop: async () => {
          await end(server)
          await exited
        },
      },
    }
  }
  await exited
  if (/Address already in use/.test(lastWords())) return { outcome: 'port_taken', port }
  throw new Error(`Redis ended at its start. Its last words:\n${lastWords()}`)
}

/** The claim is the server's own, not ours: it holds for as long as anybody writes to the folder. */
async function claimFor(server: TetheredProcess, dataDir: string) {
  try {
    const claim = await claimFolder(join(dataDir, 'in-use'), { pid: server.pid, waitMs: claimWaitMs })
    if (claim.outcome === 'claimed') return claim
    throw new DataDirInUseError(dataDir, claim.pid)
  } catch (error) {
    await end(server)
    throw error
  }
}

function serverArguments(port: number, dataDir: string): string[] {
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: dataDir,
    daemonize: 'no',
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    'maxmemory-policy': 'noeviction',
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
}

/** Serving means: it answers, has read its data, and is this very process, not a stranger on the same port. */
async function waitUntilServing(
  server: TetheredProcess,
  lastWords: () => string,
  port: number,
  { startTimeoutMs = 60_000, signal }: LocalRedisOptions,
): Promise<{ outcome: 'serving'; version: string } | { outcome: 'ended' }> {
  const ended = server.exited.then(() => 'ended' as const)
  const giveUpAt = performance.now() + startTimeoutMs
  while (performance.now() < giveUpAt) {
    signal?.throwIfAborted()
    const info = await askServerInfo(port, 1_000)
    if (info?.processId === server.pid && !info.loading) return { outcome: 'serving', version: info.version }
    if ((await Promise.race([ended, delay(10)])) === 'ended') return { outcome: 'ended' }
  }
  throw new Error(`Redis did not serve within ${startTimeoutMs / 1000} s. Its last words:\n${lastWords()}`)
}

/** Keeps the last lines that it writes. */
function collectLines({ child }: TetheredProcess): () => string {
  let kept = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      kept = `${kept}${chunk}`.split('\n').slice(-20).join('\n')
    })
  }
  return () => kept.trim()
}

async function end(server: TetheredProcess): Promise<void> {
  server.child.kill('SIGTERM')
  server.child.kill('SIGCONT')
  const timer = setTimeout(() => server.child.kill('SIGKILL'), stopTimeoutMs)
  await server.exited
  clearTimeout(timer)
}

/** A port that was free a moment ago; whoever binds it must be ready to find it taken. */
async function findFreePort(): Promise<number> {
  const probe = createServer()
  return new Promise((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
