import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'

/** What is known against the packages that are delivered; or that nobody could be asked. */
export type Audit =
  | { outcome: 'none' }
  | { outcome: 'vulnerable'; advisories: string[] }
  | { outcome: 'skipped'; why: string }

export interface AuditOptions {
  /** To be asked instead of the one that is configured. */
  registry?: string
  /** A registry that takes longer counts as one that does not answer, ms. */
  withinMs?: number
}

const LEVEL = 'high'

/**
 * Asks the registry for what is known against the dependencies that are delivered, of level `high` or above, but for what
 * `auditConfig.ignoreGhsas` in pnpm-workspace.yaml names, where it is to be argued.
 *
 * @throws AbortError when the signal ends it
 */
export async function audit(
  root: string,
  { registry, withinMs = 10_000 }: AuditOptions = {},
  signal?: AbortSignal,
): Promise<Audit> {
  signal?.throwIfAborted()
  // Wherever the lock is: this file belongs to the project.
  const { devEngines } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  const { name, version } = devEngines.packageManager
  const asked = [
    'audit',
    '--prod',
    '--json',
    '--audit-level',
    LEVEL,
    ...(registry ? ['--registry', registry] : []),
  ]
  const child = spawn('npx', ['--yes', `${name}@${version}`, ...asked], {
    cwd: root,
    env: { ...process.env, npm_config_fetch_retries: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, to be ended as a whole.
    detached: true,
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (data) => {
    output += data
  })
  child.stderr.on('data', (data) => {
    errors += data
  })
  const end = () => {
    if (child.pid && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  const timer = setTimeout(end, withinMs)
  signal?.addEventListener('abort', end, { once: true })
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  signal?.removeEventListener('abort', end)
  signal?.throwIfAborted()
  if (code === null)
    return { outcome: 'skipped', why: `the registry did not answer within ${withinMs / 1000} s` }
  return verdictOf(code, output, errors)
}

interface Advisory {
  severity: string
  module_name: string
  vulnerable_versions: string
  title: string
  url: string
}

function verdictOf(code: number, output: string, errors: string): Audit {
  let advisories: Record<string, Advisory>
  try {
    advisories = (JSON.parse(output) as { advisories: Record<string, Advisory> }).advisories
  } catch {
    const [why] = /responded with \d+|ERR_PNPM_\w+|E[A-Z]{5,}/.exec(errors) ?? ['no answer']
    return { outcome: 'skipped', why: `the registry cannot be asked (${why})` }
  }
  if (code === 0) return { outcome: 'none' }
  return {
    outcome: 'vulnerable',
    advisories: Object.values(advisories).map(
      ({ severity, module_name: name, vulnerable_versions: versions, title, url }) =>
        `${severity}: ${name} ${versions}: ${title} (${url})`,
    ),
  }
}
