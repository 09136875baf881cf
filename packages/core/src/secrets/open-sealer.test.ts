import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SettingsError } from '../settings.ts'
import { openSealer } from './open-sealer.ts'

const PLACE = { kind: 'callback', owner: 'north' }
const SECRET = Buffer.from('secret')
let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'))
  file = join(folder, 'deep/secrets.key')
})
afterEach(() => rm(folder, { recursive: true }))

describe('the sealer of the settings', () => {
  test('is none if they name no key', async () => {
    expect(await openSealer({}, 'make')).toBeUndefined()
  })

  test('has the key of SECRETS_KEY, whatever the file has', async () => {
    const key = randomBytes(32).toString('hex')
    const sealer = await openSealer({ SECRETS_KEY: key, SECRETS_KEY_FILE: file }, 'make')
    const sealed = sealer!.seal(SECRET, PLACE)
    expect((await openSealer({ SECRETS_KEY: key }, 'make'))!.open(sealed, PLACE)).toEqual(SECRET)
    expect(await readdir(folder)).toEqual([])
  })

  test('makes its file for its owner alone, and finds the same key there again', async () => {
    const sealed = (await openSealer({ SECRETS_KEY_FILE: file }, 'make'))!.seal(SECRET, PLACE)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/)
    const again = await openSealer({ SECRETS_KEY_FILE: file }, 'do without')
    expect(again!.open(sealed, PLACE)).toEqual(SECRET)
  })

  test('has one key for all who make the file at once, and leaves no drafts', async () => {
    const sealers = await Promise.all(
      Array.from({ length: 20 }, () => openSealer({ SECRETS_KEY_FILE: file }, 'make')),
    )
    const sealed = sealers[0]!.seal(SECRET, PLACE)
    for (const sealer of sealers) expect(sealer!.open(sealed, PLACE)).toEqual(SECRET)
    expect(await readdir(join(folder, 'deep'))).toEqual(['secrets.key'])
  })

  test('does without a file that only an app may make', async () => {
    expect(await openSealer({ SECRETS_KEY_FILE: file }, 'do without')).toBeUndefined()
    expect(await readdir(folder)).toEqual([])
  })

  test('names the file that has no key, or cannot be read', async () => {
    const wrong = join(folder, 'wrong.key')
    await writeFile(wrong, 'secret\n')
    for (const path of [wrong, folder, join(wrong, 'below')]) {
      const error = await openSealer({ SECRETS_KEY_FILE: path }, 'make').catch((fault) => fault)
      expect(error).toBeInstanceOf(SettingsError)
      expect(error.message).toContain(`SECRETS_KEY_FILE=${path}: `)
      expect(error.message).not.toContain('secret\n')
    }
  })
})
