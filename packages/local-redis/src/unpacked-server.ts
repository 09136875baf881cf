import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'
import { probeServerProgram, type ServerProgram } from './server-program.ts'

/** What Debian 12 needs; used if apt cannot tell for the system at hand. */
const usualPackages = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1']

/** Where the system keeps its package tools. */
export interface PackageTools {
  aptGet: string
  dpkgDeb: string
}

/**
 * The folder in a cache folder for this system's copy of something: one each system release and processor, since the copy's
 * libraries fit no other.
 */
export async function unpackedFolder(cacheFolder: string, name = 'redis'): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)"?$`, 'm').exec(release)?.[1] ?? ''
  return join(cacheFolder, `${name}-${field('ID') || process.platform}${field('VERSION_ID')}-${process.arch}`)
}

/** The server program of an earlier unpacking, or undefined if there is none that runs. */
export async function findUnpackedServer(folder: string): Promise<ServerProgram | undefined> {
  const libraries = await libraryFolders(folder)
  const env = { LD_LIBRARY_PATH: [...libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':') }
  return probeServerProgram(join(folder, 'usr/bin/redis-server'), env).catch(() => undefined)
}

/**
 * Downloads the system's own Redis packages as any user may, and unpacks them into `folder`; nothing is
 * installed and nothing outside of the folder's parent is written. The folder appears complete or not at all; if
 * another process was quicker, its copy stays.
 * @throws Error if apt-get or dpkg-deb fail (offline, say), with their words.
 */
export async function unpackServer(folder: string, tools: PackageTools, signal?: AbortSignal): Promise<void> {
  const isThere = async () => (await findUnpackedServer(folder)) !== undefined
  await unpackPackages(folder, { packages: neededPackages, isThere, tools, signal })
}

type Apt = (...args: string[]) => Promise<string>

export interface UnpackOptions {
  /** Their names. */
  packages: (apt: Apt) => Promise<string[]>
  /** Whether the folder has a copy that can be used. */
  isThere: () => Promise<boolean>
  tools: PackageTools
  signal?: AbortSignal | undefined
}

/** Does the same for any packages of the system. @throws Error if apt-get or dpkg-deb fail, with their words */
export async function unpackPackages(
  folder: string,
  { packages, isThere, tools, signal }: UnpackOptions,
): Promise<void> {
  await mkdir(join(folder, '..'), { recursive: true })
  const work = await mkdtemp(`${folder}.`)
  try {
    const tree = join(work, 'tree')
    for (const debFile of await downloadPackages(work, packages, tools.aptGet, signal)) {
      await runCommand(tools.dpkgDeb, ['-x', debFile, tree], { cwd: work, signal })
    }
    if (await renamed(tree, folder)) return
    if (await isThere()) return
    await renamed(folder, join(work, 'broken'))
    await rename(tree, folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Renames a folder unless something is at its new place. */
async function renamed(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false
      throw error
    },
  )
}

/** @returns the names of the package files, in `work`. */
async function downloadPackages(
  work: string,
  packages: UnpackOptions['packages'],
  aptGet: string,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  await mkdir(join(work, 'lists/partial'), { recursive: true })
  await mkdir(join(work, 'cache/archives/partial'), { recursive: true })
  const configFile = join(work, 'apt.conf')
  await writeFile(configFile, aptConfig(work))
  const apt: Apt = (...args) => runCommand(aptGet, ['-c', configFile, ...args], { cwd: work, signal })
  // One broken source among many fails the update; whether the packages can be had is for the download to say.
  await apt('-qq', 'update').catch((error) => {
    if (signal?.aborted) throw error
  })
  await apt('-qq', 'download', ...(await packages(apt)))
  return (await readdir(work)).filter((name) => name.endsWith('.deb'))
}

async function neededPackages(apt: Apt): Promise<string[]> {
  const plan = await apt('--simulate', '--no-install-recommends', 'install', 'redis-server').catch(() => '')
  const planned = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] as string)
  return planned.length > 0 ? planned : usualPackages
}

/** Lists and cache of our own, no change of user, and none of the system's hooks. */
const aptConfig = (work: string) => `
Dir::State::lists "${work}/lists";
Dir::Cache "${work}/cache";
APT::Sandbox::User "";
Acquire::Languages "none";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`

/** The folders under a tree's `usr/lib` and `lib` that hold shared libraries. */
async function libraryFolders(tree: string): Promise<string[]> {
  const found: string[] = []
  for (const top of ['usr/lib', 'lib']) {
    for (const entry of await readdir(join(tree, top), { withFileTypes: true }).catch(() => [])) {
      const path = join(tree, top, entry.name)
      const names = entry.isDirectory() ? await readdir(path) : []
      if (names.some((name) => /\.so(\.|$)/.test(name))) found.push(path)
    }
  }
  return found
}
