import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findImportFaults } from './import-rules.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'import-rules-'))
  await writePackage('', 'accepted')
})

afterEach(() => rm(root, { recursive: true }))

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}

async function writePackage(folder: string, name: string, fields: object = {}): Promise<void> {
  await write(join(folder, 'package.json'), JSON.stringify({ name, ...fields }))
}

const on = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 'workspace:*']))

describe('the import rules', () => {
  test('let an app use the contract, the core and the operations, and what is not ours', async () => {
    const dependencies = on('@accepted/contract', '@accepted/core', '@accepted/operations', 'fastify')
    const devDependencies = on('@accepted/local-redis', 'vitest')
    await writePackage('apps/api', '@accepted/api', { dependencies, devDependencies })
    expect(await findImportFaults(root)).toEqual([])
  })

  test.each([
    ['apps/api', '@accepted/api', '@accepted/worker'],
    ['packages/core', '@accepted/core', '@accepted/operations'],
    ['packages/contract', '@accepted/contract', '@accepted/core'],
    ['packages/core', '@accepted/core', '@accepted/test'],
    ['apps/worker', '@accepted/worker', '@accepted/local-redis'],
  ])('refuse in %s that %s depends on %s', async (folder, name, dependency) => {
    await writePackage(folder, name, { dependencies: on(dependency) })
    expect(await findImportFaults(root)).toEqual([`${name} must not depend on ${dependency}`])
  })

  test('hold for devDependencies too', async () => {
    await writePackage('packages/core', '@accepted/core', { devDependencies: on('@accepted/operations') })
    expect(await findImportFaults(root)).toHaveLength(1)
  })

  test('want every package in the table', async () => {
    await writePackage('packages/new', '@accepted/new')
    expect(await findImportFaults(root)).toEqual([
      expect.stringContaining('@accepted/new is not in the table'),
    ])
  })

  test('refuse a relative import that leaves its package, in every form', async () => {
    await writePackage('packages/contract', '@accepted/contract')
    await writePackage('packages/core', '@accepted/core')
    const forms = (path: string) => [
      `import { x } from '${path}/named.ts'`,
      `export * from "${path}/export.ts"`,
      `import '${path}/effect.ts'`,
      `const z = await import('${path}/dynamic.ts')`,
    ]
    await write('packages/core/src/a.ts', [...forms('../../contract/src'), ...forms('./b/..')].join('\n'))
    await write('scripts/start.ts', forms('../packages/core/src')[0] as string)
    expect((await findImportFaults(root)).sort()).toEqual([
      'packages/core/src/a.ts leaves its package: ../../contract/src/dynamic.ts',
      'packages/core/src/a.ts leaves its package: ../../contract/src/effect.ts',
      'packages/core/src/a.ts leaves its package: ../../contract/src/export.ts',
      'packages/core/src/a.ts leaves its package: ../../contract/src/named.ts',
      'scripts/start.ts leaves its package: ../packages/core/src/named.ts',
    ])
  })

  test('do not look at what is installed', async () => {
    await write('packages/core/node_modules/other/package.json', '{"name":"@accepted/other"}')
    expect(await findImportFaults(root)).toEqual([])
  })
})
