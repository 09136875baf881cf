import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '@accepted/core/testing'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const HOUR_MS = 3_600_000

let folder: string
let stop: () => Promise<void>
let api: string

interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs a command line in the folder above DATA_DIR, with nothing else of an environment. */
async function accepted(line: string, environment: NodeJS.ProcessEnv = { DATA_DIR: 'data' }): Promise<Ran> {
  const args = [path('../apps/cli/src/main.ts'), ...line.split(' ').filter(Boolean)]
  const options = { cwd: folder, env: { PATH: process.env.PATH, ...environment }, timeout: 15_000 }
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    )
  })
}

async function json<T = Record<string, string | null>[]>(line: string): Promise<T> {
  const { code, stdout, stderr } = await accepted(`${line} --json`)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout.trimEnd()).not.toContain('\n')
  return JSON.parse(stdout)
}

/** `npm start`, on a private Redis, in a folder of its own. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'command-line-'))
  const start = spawn(process.execPath, [path('../scripts/start.ts')], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, INIT_CWD: folder, DATA_DIR: 'data', PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  stop = async () => {
    start.kill('SIGINT')
    if (start.exitCode === null) await once(start, 'exit')
  }
  let said = ''
  start.stdout.on('data', (text) => {
    said += text
  })
  const [, url] = await until(async () => / API +(\S+)\n.*Ctrl-C stops everything/s.exec(said), 30_000)
  api = url!
})
afterAll(async () => {
  await stop()
  await rm(folder, { recursive: true })
})

describe('with DATA_DIR alone', () => {
  test('the key of the secrets is there, for its owner alone', async () => {
    expect((await stat(join(folder, 'data/secrets.key'))).mode & 0o777).toBe(0o600)
  })

  test('secrets list tells the secrets in full, the same each time', async () => {
    const listed = await json('secrets list')
    expect(listed).toEqual([
      {
        tenant: 'default',
        secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        expires_at: null,
      },
    ])
    expect(await json('secrets list --tenant default')).toEqual(listed)
  })

  test('secrets rotate tells the new secret and the old one, which expires a day later', async () => {
    const [first] = await json('secrets list --tenant rotated')
    const rotated = await json('secrets rotate --tenant rotated')
    const [fresh, old] = rotated
    expect(old).toEqual({ ...first, expires_at: expect.any(String) })
    expect(Date.parse(old!.expires_at!) - Date.parse(fresh!.created_at!)).toBe(24 * HOUR_MS)
    expect(await json('secrets list --tenant rotated')).toEqual(rotated)
    const [, shorter] = await json('secrets rotate --tenant rotated --overlap 1h')
    expect(shorter!.secret).toBe(fresh!.secret)
    expect(await json('secrets rotate --tenant rotated --overlap 0')).toHaveLength(1)
  })

  test('without --tenant a command is for all', async () => {
    await json('secrets list --tenant another')
    const before = await json('secrets list')
    const tenants = [...new Set(before.map(({ tenant }) => tenant))]
    expect(tenants).toEqual(expect.arrayContaining(['another', 'default']))
    const after = await json('secrets rotate --overlap 0')
    expect(after.map(({ tenant }) => tenant)).toEqual(tenants)
    const known = new Set(before.map(({ secret }) => secret))
    expect(after.filter(({ secret }) => known.has(secret!))).toEqual([])
  })

  test('signing-keys tells the keys that the API publishes', async () => {
    const [listed] = await json('signing-keys list')
    const published = await (await fetch(`${api}/.well-known/jwks.json`)).json()
    const x = Buffer.from(listed!.public_key!.replace('whpk_', ''), 'base64').toString('base64url')
    expect(published).toMatchObject({ keys: [{ kid: listed!.kid, x }] })
    const [fresh, old] = await json('signing-keys rotate --overlap 30m')
    expect(old).toEqual({ ...listed, expires_at: expect.any(String) })
    expect(fresh!.kid).not.toBe(listed!.kid)
  })

  test('keys create shows a key once; it is listed by its beginning until it is revoked', async () => {
    type Key = { key_id: string; key: string; tenant: string; scopes: string[] }
    const made = await json<Key>('keys create --tenant demo')
    expect(made).toEqual({
      key_id: expect.stringMatching(/^key_[A-Za-z0-9_-]{16}$/),
      key: expect.stringMatching(/^acc_[A-Za-z0-9_-]{43}$/),
      tenant: 'demo',
      scopes: ['tasks:read', 'tasks:write'],
    })
    const scoped = await json<Key>(
      'keys create --tenant demo --scopes tasks:read,operation:car.build,tasks:read --expires-in 90d',
    )
    expect(scoped.scopes).toEqual(['tasks:read', 'operation:car.build'])
    const { stdout } = await accepted('keys list --json')
    expect(stdout).not.toContain(made.key)
    const listed = JSON.parse(stdout) as Record<string, string>[]
    const [first, second] = [made, scoped].map((key) => listed.find(({ key_id }) => key_id === key.key_id)!)
    expect(first).toEqual({
      key_id: made.key_id,
      prefix: made.key.slice(0, 12),
      tenant: 'demo',
      scopes: made.scopes,
      created_at: expect.stringMatching(/Z$/),
      last_used_at: null,
      expires_at: null,
    })
    expect(Date.parse(second!.expires_at!) - Date.parse(second!.created_at!)).toBe(90 * 24 * HOUR_MS)
    expect((await accepted('keys list')).stdout).toMatch(
      /^key_id +prefix +tenant +scopes +created_at +last_used_at +expires_at\n/,
    )
    expect(await json<object>(`keys revoke ${made.key_id}`)).toEqual({ key_id: made.key_id, revoked: true })
    expect((await json<{ key_id: string }[]>('keys list')).map(({ key_id }) => key_id)).toEqual([
      scoped.key_id,
    ])
    const again = await accepted(`keys revoke ${made.key_id} --json`)
    expect([again.code, again.stdout, again.stderr]).toEqual([1, '', `There is no key ${made.key_id}.\n`])
  })

  test('limits set tells what holds, and whether anybody has heard of the tenant', async () => {
    const none = { requests: null, waiting: null, running: null, stored: null, weight: null }
    await json('keys create --tenant limited')
    const made = await json<object>('limits set --tenant limited --requests 500 --stored 100MB')
    expect(made).toEqual({ tenant: 'limited', ...none, requests: 500, stored: 1e8, tenant_known: true })
    const more = await json<object>(
      'limits set --tenant limited --requests 0 --waiting 7 --running 3 --weight 2',
    )
    const all = { requests: 0, waiting: 7, running: 3, stored: 1e8, weight: 2 }
    expect(more).toEqual({ tenant: 'limited', ...all, tenant_known: true })
    const typo = await json<object>('limits set --tenant limted --weight 2')
    expect(typo).toEqual({ tenant: 'limted', ...none, weight: 2, tenant_known: false })
    expect(await json('limits list')).toEqual([
      { tenant: 'limited', ...all },
      { tenant: 'limted', ...none, weight: 2 },
    ])
    expect(await json('limits list --tenant limited')).toEqual([{ tenant: 'limited', ...all }])
    expect((await accepted('limits list')).stdout).toMatch(
      /^tenant +requests +waiting +running +stored +weight\nlimited +0 +7 +3 +100000000 +2\nlimted +- /,
    )
    expect(await json<object>('limits clear --tenant limited --names requests,stored')).toEqual({
      tenant: 'limited',
      ...all,
      requests: null,
      stored: null,
      tenant_known: true,
    })
    for (const tenant of ['limited', 'limted']) await json(`limits clear --tenant ${tenant}`)
    expect(await json('limits list')).toEqual([])
  })

  test('audit list tells who did what at the command line, and what clients did', async () => {
    const { key_id, key } = await json<{ key_id: string; key: string }>(
      'keys create --tenant audited --scopes admin',
    )
    const [secret] = await json('secrets rotate --tenant audited')
    await json<object>(`keys revoke ${key_id}`)
    const { stdout } = await accepted('audit list --tenant audited --json')
    const entries = JSON.parse(stdout) as Record<string, string | null>[]
    expect(entries.map(({ action, key_id: id, detail }) => [action, id, detail])).toEqual([
      ['key.revoke', key_id, null],
      ['secret.rotate', null, null],
      ['key.create', key_id, 'admin'],
    ])
    for (const { actor, address, request_id } of entries) {
      expect(actor).toBe(`cli:${userInfo().username}@${hostname()}`)
      expect([address, request_id]).toEqual(['command line', null])
    }
    for (const hidden of [key, secret!.secret!]) expect(stdout).not.toContain(hidden.slice(6))

    await json('signing-keys rotate')
    expect((await json('audit list'))[0]).toMatchObject({
      action: 'signing_key.rotate',
      address: 'command line',
    })

    const body = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
    const headers = { 'content-type': 'application/json' }
    for (let n = 0; n < 250; n += 1) await fetch(`${api}/cars`, { method: 'POST', headers, body })
    const acts = await json('audit list --tenant default --limit 250')
    expect(acts).toHaveLength(250)
    expect(new Set(acts.map(({ task_id }) => task_id)).size).toBe(250)
    expect(acts[0]).toMatchObject({ action: 'task.create', actor: 'anybody', operation: 'car.build' })
  })

  test('keys need no key of the secrets', async () => {
    const redis = (await readFile(join(folder, 'data/redis.url'), 'utf8')).trim()
    const environment = { DATA_DIR: 'elsewhere', REDIS_URL: redis }
    expect((await accepted('keys list --json', environment)).code).toBe(0)
    const { code, stdout, stderr } = await accepted('secrets list', environment)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^There is no key for the secrets: .+\/elsewhere\/secrets\.key/)
  })

  test('secrets reseal tells how many it had to', async () => {
    await json('secrets list')
    expect(await json<object>('secrets reseal')).toEqual({ resealed: 0 })
    const key = (await readFile(join(folder, 'data/secrets.key'), 'utf8')).trim()
    const other = Buffer.alloc(32, 7).toString('hex')
    const moved = await accepted('secrets reseal --json', {
      DATA_DIR: 'data',
      SECRETS_KEY: `${other},${key}`,
    })
    const { resealed } = JSON.parse(moved.stdout)
    expect(resealed).toBeGreaterThanOrEqual(2)
    const wrong = await accepted('secrets list')
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toMatch(/^SECRETS_KEY does not open the callback secret of \w+: .*\n$/)
    const back = { DATA_DIR: 'data', SECRETS_KEY: `${key},${other}` }
    expect(JSON.parse((await accepted('secrets reseal --json', back)).stdout)).toEqual({ resealed })
  })

  test('without --json the answer is a table', async () => {
    const { code, stdout } = await accepted('secrets list --tenant default')
    const [head, ...lines] = stdout.trimEnd().split('\n')
    expect(code).toBe(0)
    expect(head).toMatch(/^tenant +secret +created_at +expires_at$/)
    for (const line of lines) expect(line).toMatch(/^default {2}whsec_\S{44} {2}\S+Z {2}(-|\S+Z)$/)
  })
})

describe('told in words, without a stack', () => {
  test('arguments that are no command, with the usage, and exit code 2', async () => {
    for (const line of [
      '',
      'secrets',
      'secrets drop',
      'secrets list --all',
      'secrets rotate --overlap soon',
      'keys create',
      'keys revoke',
      'limits set --tenant limited',
      'limits set --requests 5',
      'limits set --tenant limited --weight 0',
      'limits set --tenant limited --stored 1.5MB',
      'limits clear --tenant limited --names request',
      'limits clear --tenant limited --names toString',
      'audit list --limit 0',
    ]) {
      const { code, stdout, stderr } = await accepted(line)
      expect([code, stdout], line).toEqual([2, ''])
      expect(stderr).toMatch(/^[^\n]+\.\n\nusage: accepted COMMAND/)
    }
    const { code, stdout } = await accepted('--help')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^usage: accepted COMMAND/)])
  })

  const key = { SECRETS_KEY: Buffer.alloc(32, 7).toString('base64') }
  test.each([
    [
      'Redis is not there',
      { REDIS_URL: 'redis://:hidden@127.0.0.1:1', ...key },
      /^Redis at 127\.0\.0\.1:1 cannot be reached: .+\.\n$/,
    ],
    [
      'nothing runs',
      { DATA_DIR: 'elsewhere' },
      /^No running installation is found: .+\/elsewhere \(DATA_DIR\)\.\n$/,
    ],
    [
      'SECRETS_KEY is at fault',
      { DATA_DIR: 'data', SECRETS_KEY: 'hidden' },
      /^The settings are faulty:\n {2}SECRETS_KEY: it is not 32 bytes/,
    ],
    [
      'REDIS_URL is at fault',
      { REDIS_URL: 'localhost', ...key },
      /^The settings are faulty:\n {2}REDIS_URL: must match/,
    ],
  ])('that %s, with exit code 1', async (_, environment, words) => {
    const { code, stdout, stderr } = await accepted('secrets list', environment)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(words)
    expect(stderr).not.toMatch(/hidden|\n {4}at /)
  })

  test('that Redis accepts and never answers, within seconds', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await accepted('secrets list', {
      REDIS_URL: `redis://127.0.0.1:${port}`,
      ...key,
    })
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+ cannot be reached: .+\.\n$/),
    ])
  })

  test('that the key file has no key', async () => {
    const file = join(folder, 'wrong.key')
    await writeFile(file, 'hidden\n')
    const { code, stderr } = await accepted('secrets list', {
      DATA_DIR: 'data',
      SECRETS_KEY_FILE: 'wrong.key',
    })
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`SECRETS_KEY_FILE=${file}: it is not 32 bytes`),
    ])
    expect(stderr).not.toContain('hidden')
  })
})
