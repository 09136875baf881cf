import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findServerProgram } from './find-server-program.ts'
import { unpackedFolder } from './unpacked-server.ts'

let folder: string
let bin: string
let env: NodeJS.ProcessEnv

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'find-'))
  bin = join(folder, 'bin')
  await mkdir(bin)
  env = { PATH: bin, XDG_CACHE_HOME: join(folder, 'cache') }
})

afterEach(() => rm(folder, { recursive: true }))

async function addCommand(path: string, script: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
}

const says = (version: string) => `echo "Redis server v=${version} sha=00000000:0 bits=64"`

/** Stand-ins for apt-get and dpkg-deb that record their calls and "unpack" a server of the given version. */
async function addPackageTools(version: string): Promise<void> {
  await addCommand(
    join(bin, 'apt-get'),
    `echo "$@" >> ${folder}/calls
     case "$*" in
       *--simulate*) echo "Inst libone (1 Debian)"; echo "Inst redis-server (2 Debian)";;
       *download*) touch redis-server_1.deb;;
     esac`,
  )
  await addCommand(
    join(bin, 'dpkg-deb'),
    `mkdir -p "$3/usr/bin"
     printf '#!/bin/sh\\n%s\\n' '${says(version)}' > "$3/usr/bin/redis-server"
     chmod +x "$3/usr/bin/redis-server"`,
  )
}

describe('finding a server program', () => {
  test('prefers the one on the PATH', async () => {
    await addCommand(join(bin, 'redis-server'), says('7.0.15'))
    await addPackageTools('8.0.0')
    expect(await findServerProgram({ env })).toEqual({
      command: join(bin, 'redis-server'),
      version: '7.0.15',
      env: {},
    })
  })

  test('takes Valkey as well', async () => {
    await addCommand(join(bin, 'valkey-server'), 'echo "Valkey server v=8.1.1 sha=00000000:0"')
    expect(await findServerProgram({ env })).toMatchObject({ version: '8.1.1' })
  })

  test('unpacks the packages that apt plans, once, and finds them again', async () => {
    await addPackageTools('7.2.4')
    const said: string[] = []
    const first = await findServerProgram({ env, say: (words) => said.push(words) })
    expect(first).toMatchObject({ version: '7.2.4' })
    expect(said).toEqual([expect.stringContaining(join(folder, 'cache/accepted'))])
    const again = await findServerProgram({ env: { ...env, PATH: '' } })
    expect(again.command).toBe(first.command)
  })

  test('survives that two processes unpack at once, and leaves no litter', async () => {
    await addPackageTools('7.2.4')
    const found = await Promise.all([findServerProgram({ env }), findServerProgram({ env })])
    expect(found.map(({ version }) => version)).toEqual(['7.2.4', '7.2.4'])
    expect(await readdir(join(folder, 'cache/accepted'))).toHaveLength(1)
  })

  test('replaces an unpacked copy that no longer runs', async () => {
    const unpacked = await unpackedFolder(join(folder, 'cache/accepted'))
    await addCommand(join(unpacked, 'usr/bin/redis-server'), 'exit 127')
    await addPackageTools('7.2.4')
    expect(await findServerProgram({ env })).toMatchObject({ version: '7.2.4' })
  })

  test('passes over one that is too old, and says so if there is no other', async () => {
    await addCommand(join(bin, 'redis-server'), says('6.0.16'))
    await expect(findServerProgram({ env })).rejects.toThrow(/redis-server is 6\.0\.16, older than 6\.2/)
    await addPackageTools('7.2.4')
    expect(await findServerProgram({ env })).toMatchObject({ version: '7.2.4' })
  })

  test('says what to install when there is nothing', async () => {
    await expect(findServerProgram({ env })).rejects.toThrow(
      /apt install redis-server.*dnf install.*brew install redis.*REDIS_URL/s,
    )
  })

  test('tells the words of an apt-get that failed', async () => {
    await addPackageTools('7.2.4')
    await addCommand(join(bin, 'apt-get'), 'echo "E: the mirror is away" >&2; exit 100')
    await expect(findServerProgram({ env })).rejects.toThrow(/E: the mirror is away/)
  })
})
