import { glob } from 'node:fs/promises'
import { findPackageTools, userCacheFolder } from './find-server-program.ts'
import { unpackedFolder, unpackPackages } from './unpacked-server.ts'

/**
 * The file of libfaketime, which sets the clock of a process that preloads it: that of the system, else (where apt-get is) one
 * that is unpacked into the user's cache folder, without touching the system. Undefined if there is none to be had.
 */
export async function findClockLibrary(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const installed = await libraryIn('/usr')
  if (installed) return installed
  const folder = await unpackedFolder(userCacheFolder(env), 'faketime')
  const unpacked = () => libraryIn(`${folder}/usr`)
  const tools = await findPackageTools(env)
  if (tools && !(await unpacked())) {
    const isThere = async () => (await unpacked()) !== undefined
    // Offline there is none.
    await unpackPackages(folder, { packages: async () => ['libfaketime'], isThere, tools }).catch(
      () => undefined,
    )
  }
  return unpacked()
}

async function libraryIn(folder: string): Promise<string | undefined> {
  for await (const file of glob(`${folder}/lib/*/faketime/libfaketime.so.1`)) return file
  return undefined
}
