// The way in for every npm script: installs what is missing, then runs the script under the workspace's own Node.
// Plain JavaScript without dependencies, since it runs on the machine's Node (20 or newer) before anything is installed.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './bootstrap/dependencies.mjs'
import { runToEnd } from './bootstrap/run-to-end.mjs'

const scripts = {
  start: 'scripts/start.ts',
  test: 'scripts/test.ts',
  check: 'scripts/check.ts',
  bench: 'bench/main.ts',
  soak: 'test/soak/main.ts',
  'soak:memory': 'test/soak/memory/main.ts',
  drill: 'test/drill/main.ts',
  fuzz: 'test/fuzz/main.ts',
  docs: 'scripts/docs.ts',
  accepted: 'apps/cli/src/main.ts',
}

const root = fileURLToPath(new URL('..', import.meta.url))
const say = (words) => process.stderr.write(`${words}\n`)

/** Gives the exit code. */
async function bootstrap([name, ...args]) {
  const script = Object.hasOwn(scripts, name) && scripts[name]
  if (!script) {
    say(`usage: node scripts/bootstrap.mjs ${Object.keys(scripts).join('|')} [arguments]`)
    return 64
  }
  const code = await ensureInstalled(root, say)
  if (code !== 0) return code

  const bin = join(root, 'node_modules/.bin')
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    INIT_CWD: process.env.INIT_CWD ?? process.cwd(),
  }
  const { exitCode } = await runToEnd(workspaceNode(bin), [join(root, script), ...args], {
    cwd: root,
    env,
    // The channel tells the script when we are gone, however we went.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  return exitCode
}

/** The `node` package of the workspace; the machine's own if an install without build scripts left that out. */
function workspaceNode(bin) {
  const node = [join(bin, 'node'), join(root, 'node_modules/node/bin/node')].find((path) => existsSync(path))
  if (node) return node
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath
  throw new Error('The workspace has no Node 24: remove node_modules and try again, or install Node 24.')
}

try {
  process.exitCode = await bootstrap(process.argv.slice(2))
} catch (error) {
  say(error.message)
  process.exitCode = 1
}
