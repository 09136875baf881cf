import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { projectRoot } from '../project-root.ts'

/** A workspace in little, with the real bootstrap and a stand-in for npx that counts its calls. */
let root: string
let bin: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bootstrap-'))
  bin = join(root, 'bin')
  for (const path of [
    'scripts/bootstrap.mjs',
    'scripts/bootstrap',
    'packages/local-redis/src/folder-claim.mjs',
  ]) {
    await cp(join(projectRoot, path), join(root, path), { recursive: true })
  }
  await mkdir(bin)
  await writeFile(
    join(root, 'package.json'),
    JSON.stringify({ type: 'module', devEngines: { packageManager: { name: 'pnpm', version: '1.2.3' } } }),
  )
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) await writeFile(join(root, file), '')
  await useNpx(
    `echo "$@" >> ${root}/calls; sleep 0.2; mkdir -p node_modules/.bin; ln -sf ${process.execPath} node_modules/.bin/node`,
  )
})

afterEach(() => rm(root, { recursive: true }))

async function useNpx(script: string): Promise<void> {
  await writeFile(join(bin, 'npx'), `#!/bin/sh\n${script}\n`)
  await chmod(join(bin, 'npx'), 0o755)
}

async function useScript(source: string): Promise<void> {
  await writeFile(join(root, 'scripts/start.ts'), source)
}

function run(...args: string[]): { child: ChildProcess; output: () => string; exited: Promise<unknown[]> } {
  const child = spawn(process.execPath, [join(root, 'scripts/bootstrap.mjs'), ...args], {
    cwd: tmpdir(),
    env: {
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
      INIT_CWD: undefined,
      npm_lifecycle_event: undefined,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  return { child, output: () => output, exited: once(child, 'close') }
}

async function calls(): Promise<string[]> {
  const text = await readFile(join(root, 'calls'), 'utf8').catch(() => '')
  return text.split('\n').filter(Boolean)
}

describe('the bootstrap', () => {
  test('installs once, with the pnpm that package.json names, and never again', async () => {
    await useScript('console.log("ran")')
    for (let times = 0; times < 2; times++) {
      const { exited, output } = run('start')
      expect(await exited).toEqual([0, null])
      expect(output()).toMatch(/ran\n$/)
    }
    expect(await calls()).toEqual(['--yes pnpm@1.2.3 install --frozen-lockfile --prod=false'])
  })

  test('installs again when the lockfile or a package.json changes', async () => {
    await useScript('')
    await run('start').exited
    await writeFile(join(root, 'pnpm-lock.yaml'), 'changed')
    await run('start').exited
    await mkdir(join(root, 'apps/new'), { recursive: true })
    await writeFile(join(root, 'apps/new/package.json'), '{}')
    await run('start').exited
    expect(await calls()).toHaveLength(3)
  })

  test('installs once when several come at the same moment', async () => {
    await useScript('console.log("ran")')
    const runs = [run('start'), run('start'), run('start')]
    for (const { exited } of runs) expect(await exited).toEqual([0, null])
    expect(runs.filter(({ output }) => output().includes('ran'))).toHaveLength(3)
    expect(await calls()).toHaveLength(1)
  })

  test('shows the output of a failed installation, and tries again the next time', async () => {
    await useScript('')
    await useNpx('echo "the registry is away"; exit 3')
    const { exited, output } = run('start')
    expect(await exited).toEqual([3, null])
    expect(output()).toMatch(/the registry is away\nThe dependencies could not be installed/)
    await useNpx(`mkdir -p node_modules/.bin; ln -sf ${process.execPath} node_modules/.bin/node`)
    expect(await run('start').exited).toEqual([0, null])
  })

  test('hands on arguments, the caller’s folder and the exit code', async () => {
    await useScript(
      'console.log(process.argv.slice(2), process.cwd(), process.env.INIT_CWD); process.exit(7)',
    )
    const { exited, output } = run('start', 'one two', '--three')
    expect(await exited).toEqual([7, null])
    expect(output()).toContain(`[ 'one two', '--three' ] ${root} ${tmpdir()}`)
  })

  test('hands on signals, and stays until the script has ended', async () => {
    await useScript(`
      process.on('SIGTERM', () => setTimeout(() => { console.log('ended'); process.exit(0) }, 100))
      setInterval(() => {}, 60_000)
      console.log('waiting')
    `)
    const { child, exited, output } = run('start')
    while (!output().includes('waiting')) await once(child.stdout as NodeJS.ReadableStream, 'data')
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    expect(output()).toMatch(/ended\n$/)
  })

  test('killed with -9 cuts the channel to the script', async () => {
    await useScript(`
      process.on('disconnect', () => { console.log('cut'); process.exit(0) })
      console.log('waiting')
    `)
    const { child, exited, output } = run('start')
    while (!output().includes('waiting')) await once(child.stdout as NodeJS.ReadableStream, 'data')
    child.kill('SIGKILL')
    await exited
    expect(output()).toMatch(/cut\n$/)
  })

  test('tells how it is used', async () => {
    const { exited, output } = run('stat')
    expect(await exited).toEqual([64, null])
    expect(output()).toMatch(/start\|test\|check\|bench/)
  })
})
