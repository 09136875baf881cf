import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
// By its path: no package name resolves before the installation.
import { claimFolder } from '../../packages/local-redis/src/folder-claim.mjs'
import { runToEnd } from './run-to-end.mjs'

const waitForOtherMs = 15 * 60_000

/**
 * Installs the workspace's dependencies unless they are there and current; then no network is needed. Of several that
 * come at once, one installs and the others wait for it.
 *
 * @returns {Promise<number>} the exit code to end with if it is not 0: the installation failed (its output is then on
 * standard error) or was interrupted.
 */
export async function ensureInstalled(root, say) {
  const ownFolder = join(root, 'node_modules/.accepted') // pnpm keeps what begins with a dot
  const stamp = join(ownFolder, 'installed')
  const isCurrent = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(root)
  if (isCurrent()) return 0

  const claim = await claimFolder(join(ownFolder, 'installing'), {
    waitMs: waitForOtherMs,
    onWait: (pid) => say(`another copy is installing the dependencies (process ${pid}): waiting for it`),
  })
  if (claim.outcome === 'held')
    throw new Error(`Process ${claim.pid} has not finished installing in 15 minutes.`)
  try {
    if (isCurrent()) return 0
    const current = fingerprint(root)
    const exitCode = await install(root, say)
    if (exitCode === 0) writeFileSync(stamp, current)
    return exitCode
  } finally {
    claim.release()
  }
}

async function install(root, say) {
  const { devEngines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { name, version } = devEngines.packageManager
  say('installing the dependencies (the first time this takes some 10 to 60 seconds)')
  const started = performance.now()
  const { exitCode, output, interrupted } = await runToEnd(
    'npx',
    ['--yes', `${name}@${version}`, 'install', '--frozen-lockfile', '--prod=false'],
    { cwd: root, env: installEnvironment(process.env), stdio: ['ignore', 'pipe', 'pipe'] },
  )
  if (exitCode === 0) {
    say(`installed them in ${Math.round((performance.now() - started) / 1000)} s`)
  } else if (!interrupted) {
    say(`${output.trim()}\nThe dependencies could not be installed: ${name}'s words are above.`)
  }
  return exitCode
}

/** What the installed packages depend on; `node_modules` of another machine never counts as current. */
function fingerprint(root) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`)
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests(root, 2)]
  for (const file of files) hash.update(`\n${file}\n`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** The package.json files of the workspace, which are at most two folders deep. */
function manifests(root, depth, folder = '') {
  const found = existsSync(join(root, folder, 'package.json')) ? [join(folder, 'package.json')] : []
  if (depth === 0) return found
  const folders = readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
    .map((entry) => join(folder, entry.name))
    .sort()
  return [...found, ...folders.flatMap((sub) => manifests(root, depth - 1, sub))]
}

/** Without what the npm around us says about this very run (its `--prefix`, say), which is not meant for the other. */
function installEnvironment(env) {
  const ofThisRun =
    /^npm_(lifecycle|package)_|^npm_(command|execpath|node_execpath)$|^npm_config_(local_|global_)?prefix$/
  const kept = Object.entries(env).filter(([name]) => !ofThisRun.test(name))
  return { ...Object.fromEntries(kept), CI: 'true' } // CI: ask nothing
}
