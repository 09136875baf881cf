import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Audit, audit } from './audit.ts'
import { findImportFaults } from './import-rules.ts'

interface Verdict {
  passed: boolean
  /** Why not. */
  output: string
  /** Why it was not made. */
  skipped?: string
}

/**
 * Runs every check of the code that needs no running of it, and says what failed.
 * @returns how many failed.
 * @throws AbortError when the signal ends them.
 */
export async function runChecks(
  root: string,
  say: (words: string) => void,
  signal?: AbortSignal,
): Promise<number> {
  const checks: Record<string, Promise<Verdict>> = {
    'types (tsc)': runTool(root, ['tsc', '--noEmit', '--project', 'tsconfig.json'], signal),
    'format and lint (biome)': runTool(root, ['biome', 'check', '--error-on-warnings'], signal),
    'who may import whom': findImportFaults(root).then((faults) => ({
      passed: faults.length === 0,
      output: faults.join('\n'),
    })),
    'known vulnerabilities (pnpm audit)': audit(root, {}, signal).then(verdictOf),
  }
  let failed = 0
  for (const [name, check] of Object.entries(checks)) {
    const { passed, output, skipped } = await check
    if (skipped) say(`check: ${name}: skipped: ${skipped}`)
    else say(passed ? `check: ${name}: passed` : `${output}\ncheck: ${name}: failed`)
    if (!passed) failed++
  }
  return failed
}

function verdictOf(found: Audit): Verdict {
  switch (found.outcome) {
    case 'none':
      return { passed: true, output: '' }
    case 'skipped':
      return { passed: true, output: '', skipped: found.why }
    case 'vulnerable':
      return { passed: false, output: found.advisories.join('\n') }
  }
}

async function runTool(
  root: string,
  [tool = '', ...args]: string[],
  signal: AbortSignal | undefined,
): Promise<Verdict> {
  const child = spawn(join(root, 'node_modules/.bin', tool), args, {
    cwd: root,
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close')
  return { passed: code === 0, output: output.trimEnd() }
}
