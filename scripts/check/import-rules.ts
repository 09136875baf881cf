import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, normalize } from 'node:path'

/**
 * Who may import whom: what each package may name in its package.json, of the workspace's own packages. Biome sees to
 * it that a package imports only what it names (noUndeclaredDependencies) and that no files import in a circle
 * (noImportCycles).
 */
const mayImport: Record<string, readonly string[]> = {
  '@accepted/contract': [],
  '@accepted/core': ['@accepted/contract'],
  '@accepted/operations': ['@accepted/contract'],
  '@accepted/local-redis': [],
  '@accepted/api': ['@accepted/contract', '@accepted/core', '@accepted/operations'],
  '@accepted/worker': ['@accepted/contract', '@accepted/core', '@accepted/operations'],
  '@accepted/cli': ['@accepted/contract', '@accepted/core'],
  // It stands for software that is not ours.
  '@accepted/example-receiver': [],
  // The settings table of the README is made from the schemas.
  accepted: ['@accepted/core', '@accepted/operations'],
}

/** What drives the whole from outside may use all of it. */
const mayImportAll = ['@accepted/bench', '@accepted/test']

/** A Redis for tests and for `npm start`: any package may have it as a devDependency. */
const testTool = '@accepted/local-redis'

/** The bootstrap runs before anything is installed, when no package name resolves. */
const mayLeavePackage = ['scripts/bootstrap/dependencies.mjs']

interface Package {
  /** Relative to the root; empty for the root's own. */
  folder: string
  name: string
  dependencies: string[]
  devDependencies: string[]
}

/** Finds what breaks the rules, in words, one fault each. */
export async function findImportFaults(root: string): Promise<string[]> {
  const files = await listFiles(root)
  const packages = await readPackages(root, files)
  const leaving = await Promise.all(files.map((file) => findLeavingImports(root, packages, file)))
  return [...packages.flatMap(findForbiddenDependencies), ...leaving.flat()]
}

function findForbiddenDependencies({ name, dependencies, devDependencies }: Package): string[] {
  if (mayImportAll.includes(name)) return []
  const allowed = mayImport[name]
  if (!allowed) return [`${name} is not in the table of who may import whom (scripts/check/import-rules.ts)`]
  const isOurs = (dependency: string) => dependency in mayImport || mayImportAll.includes(dependency)
  return [...dependencies, ...devDependencies.filter((dependency) => dependency !== testTool)]
    .filter((dependency) => isOurs(dependency) && !allowed.includes(dependency))
    .map((dependency) => `${name} must not depend on ${dependency}`)
}

async function findLeavingImports(root: string, packages: Package[], file: string): Promise<string[]> {
  if (!/\.m?[jt]s$/.test(file) || mayLeavePackage.includes(file)) return []
  const source = await readFile(join(root, file), 'utf8')
  const owner = ownerOf(packages, file)
  return relativeImports(source)
    .filter((specifier) => ownerOf(packages, normalize(join(dirname(file), specifier))) !== owner)
    .map((specifier) => `${file} leaves its package: ${specifier}`)
}

/** The relative module specifiers of a source text, in `import`, `export … from` and `import()`. */
function relativeImports(source: string): string[] {
  const pattern = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]*)['"]/g
  return [...source.matchAll(pattern)].map((match) => match[1] as string)
}

/** The package that a file belongs to: of those whose folder holds it, the deepest. */
function ownerOf(packages: Package[], file: string): Package | undefined {
  return packages
    .filter(({ folder }) => (folder === '' ? !file.startsWith('..') : file.startsWith(`${folder}/`)))
    .sort((one, other) => other.folder.length - one.folder.length)[0]
}

async function readPackages(root: string, files: readonly string[]): Promise<Package[]> {
  const manifests = files.filter((file) => basename(file) === 'package.json')
  return Promise.all(
    manifests.map(async (manifest) => {
      const fields = JSON.parse(await readFile(join(root, manifest), 'utf8'))
      const named = (...keys: string[]) => keys.flatMap((key) => Object.keys(fields[key] ?? {}))
      return {
        folder: manifest === 'package.json' ? '' : dirname(manifest),
        name: fields.name,
        dependencies: named('dependencies', 'optionalDependencies', 'peerDependencies'),
        devDependencies: named('devDependencies'),
      }
    }),
  )
}

/** Every file of the workspace, relative to its root; not what is installed or hidden. */
async function listFiles(root: string, folder = ''): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  const lists = entries
    .filter(({ name }) => name !== 'node_modules' && !name.startsWith('.'))
    .map((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? listFiles(root, path) : [path]
    })
  return (await Promise.all(lists)).flat()
}
