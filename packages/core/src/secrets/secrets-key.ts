import { SettingsError } from '../settings.ts'

const KEY_BYTES = 32

/**
 * The keys that `SECRETS_KEY` lists, separated by commas: each 32 bytes, as 64 hexadecimal digits or as base64 in either
 * alphabet.
 *
 * @param name where the text comes from, for the fault
 * @throws {SettingsError} in words that do not repeat the text
 */
export function readSecretsKeys(text: string, name: string): Buffer[] {
  const parts = text.split(',').map((part) => part.trim())
  return parts.map((part, at) => {
    const key = keyOf(part)
    if (key) return key
    const which = parts.length > 1 ? `the key at place ${at + 1} of ${parts.length}` : 'it'
    throw new SettingsError([
      `${name}: ${which} is not 32 bytes in base64 or hexadecimal; openssl rand -base64 32 makes a key`,
    ])
  })
}

function keyOf(text: string): Buffer | undefined {
  if (/^[0-9A-Fa-f]{64}$/.test(text)) return Buffer.from(text, 'hex')
  const key = Buffer.from(text, 'base64')
  // Node reads past what is no base64: only what comes out again was a key.
  const canonical = key.toString('base64url')
  const given = text.replace(/=$/, '').replaceAll('+', '-').replaceAll('/', '_')
  return key.length === KEY_BYTES && given === canonical ? key : undefined
}
