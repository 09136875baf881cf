import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import {
  isRecentEnough,
  oldestVersionText,
  probeServerProgram,
  type ServerProgram,
} from './server-program.ts'
import { findUnpackedServer, type PackageTools, unpackedFolder, unpackServer } from './unpacked-server.ts'

export interface FindOptions {
  env?: NodeJS.ProcessEnv
  /** Told in words what takes time. */
  say?: (words: string) => void
  signal?: AbortSignal | undefined
}

const advice = `Please install Redis ${oldestVersionText} or newer:
  Debian, Ubuntu   apt install redis-server
  Fedora, RHEL     dnf install valkey
  macOS            brew install redis
or set REDIS_URL to one that runs already.`

/**
 * Finds a Redis or Valkey server program: on the PATH, else a copy unpacked earlier, else (where apt-get is) one that
 * is downloaded and unpacked into the user's cache folder, in about 5 s, without touching the system.
 * @throws Error that says in words what was tried and what to install.
 */
export async function findServerProgram({
  env = process.env,
  say = () => {},
  signal,
}: FindOptions = {}): Promise<ServerProgram> {
  const faults: string[] = []
  const note = (error: Error) => void faults.push(error.message)
  const accept = (program: ServerProgram) => {
    if (isRecentEnough(program.version)) return true
    faults.push(`${program.command} is ${program.version}, older than ${oldestVersionText}.`)
    return false
  }

  for (const name of ['redis-server', 'valkey-server']) {
    const command = await findOnPath(name, env)
    if (command === undefined) continue
    const program = await probeServerProgram(command).catch(note)
    if (program && accept(program)) return program
  }

  const cacheFolder = userCacheFolder(env)
  const folder = await unpackedFolder(cacheFolder)
  let unpacked = await findUnpackedServer(folder)
  const tools = await findPackageTools(env)
  if (!unpacked && tools) {
    say(`found no Redis on the PATH: unpacking the system's package into ${cacheFolder}`)
    await unpackServer(folder, tools, signal).catch(note)
    unpacked = await findUnpackedServer(folder)
  }
  if (unpacked && accept(unpacked)) return unpacked

  signal?.throwIfAborted()
  throw new Error(['Found no Redis to start.', ...faults, advice].join('\n'))
}

/** Where copies are unpacked: one folder for all checkouts. */
export function userCacheFolder(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'accepted')
}

/** The package tools of the system, undefined if it is not of Debian's family. */
export async function findPackageTools(env: NodeJS.ProcessEnv): Promise<PackageTools | undefined> {
  const [aptGet, dpkgDeb] = [await findOnPath('apt-get', env), await findOnPath('dpkg-deb', env)]
  return aptGet && dpkgDeb ? { aptGet, dpkgDeb } : undefined
}

async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name)
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs) return path
  }
  return undefined
}
