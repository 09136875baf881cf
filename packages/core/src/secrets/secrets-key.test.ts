import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { SettingsError } from '../settings.ts'
import { readSecretsKeys } from './secrets-key.ts'

// With every character that tells the two alphabets of base64 apart.
const KEY = Buffer.from(`fb${'ef'.repeat(30)}be`, 'hex')

describe('SECRETS_KEY', () => {
  test.each([
    ['base64', KEY.toString('base64')],
    ['base64 without padding', KEY.toString('base64').replace('=', '')],
    ['base64url', KEY.toString('base64url')],
    ['hexadecimal digits', KEY.toString('hex')],
    ['capital hexadecimal digits', KEY.toString('hex').toUpperCase()],
  ])('is read as %s', (_, text) => {
    expect(readSecretsKeys(text, 'SECRETS_KEY')).toEqual([KEY])
  })

  test('lists several keys in their order', () => {
    const keys = [randomBytes(32), randomBytes(32), KEY]
    const text = keys.map((key) => key.toString('base64')).join(', ')
    expect(readSecretsKeys(text, 'SECRETS_KEY')).toEqual(keys)
  })

  test.each([
    ['a word', 'secret'],
    ['31 bytes', randomBytes(31).toString('base64')],
    ['33 bytes', randomBytes(33).toString('base64')],
    ['63 digits', 'a'.repeat(63)],
    ['another character in it', `${KEY.toString('base64').slice(0, 20)} ${KEY.toString('base64').slice(20)}`],
    ['bits that base64 throws away', `${'A'.repeat(42)}B=`],
    ['nothing', ''],
  ])('is refused if it is %s, in words that do not repeat it', (_, text) => {
    let told: unknown
    try {
      readSecretsKeys(text, 'SECRETS_KEY')
    } catch (error) {
      told = error
    }
    expect(told).toBeInstanceOf(SettingsError)
    const { message } = told as SettingsError
    expect(message).toContain('SECRETS_KEY: it is not 32 bytes in base64 or hexadecimal')
    if (text) expect(message).not.toContain(text)
  })

  test('tells which of several is at fault', () => {
    expect(() => readSecretsKeys(`${KEY.toString('hex')},x`, 'SECRETS_KEY')).toThrow(/at place 2 of 2/)
  })
})
