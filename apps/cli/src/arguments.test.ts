import { describe, expect, test } from 'vitest'
import { readArguments, UsageError } from './arguments.ts'
import { COMMANDS } from './commands/index.ts'

const read = (line: string) => readArguments(line.split(' ').filter(Boolean), COMMANDS)

describe('arguments', () => {
  test('name a command and its options', () => {
    expect(read('secrets rotate --tenant north --overlap=90s --json')).toMatchObject({
      command: { name: 'secrets rotate' },
      options: { tenant: 'north', overlap: '90s' },
      json: true,
    })
    expect(read('keys revoke key_0123456789abcdef --json')).toMatchObject({
      command: { name: 'keys revoke' },
      options: { key_id: 'key_0123456789abcdef' },
      json: true,
    })
    expect(read('secrets list')).toMatchObject({
      command: { name: 'secrets list' },
      options: {},
      json: false,
    })
  })

  test.each(['--help', '-h', 'secrets list --help', 'secrets --help'])('ask for help by "%s"', (line) => {
    expect(read(line)).toBe('help')
  })

  test.each([
    ['', 'There is no command.'],
    ['secret list', 'There is no command secret.'],
    ['secrets', 'What of secrets? There is list, rotate, reseal.'],
    ['secrets --json', 'What of secrets? There is list, rotate, reseal.'],
    ['secrets show', 'There is no command secrets show; of secrets there is list, rotate, reseal.'],
    ['secrets list --tennant x', "secrets list: Unknown option '--tennant'."],
    ['secrets list --overlap 1h', "secrets list: Unknown option '--overlap'."],
    ['secrets list more', "secrets list: Unexpected argument 'more'."],
    ['secrets list --tenant', "secrets list: Option '--tenant <value>' argument missing."],
    ['secrets list --tenant=', '--tenant: must be 1 to 64 letters, digits, dots, dashes and underscores.'],
    [
      'secrets list --tenant {north}',
      '--tenant: must be 1 to 64 letters, digits, dots, dashes and underscores.',
    ],
    ['secrets rotate --overlap 1y', '--overlap: must be 0, or a number and ms, s, m, h or d.'],
    ['secrets rotate --overlap=-1h', '--overlap: must be 0, or a number and ms, s, m, h or d.'],
    ['keys create', 'keys create: --tenant is missing.'],
    ['keys create --tenant a --tenant b', 'keys create: --tenant is there twice.'],
    ['keys create --tenant a b', "keys create: Unexpected argument 'b'."],
    [
      'keys create --tenant a --scopes tasks:read,,admin',
      "--scopes: '' is none of tasks:read, tasks:write, admin, operation:NAME.",
    ],
    [
      'keys create --tenant a --scopes operation:Cars',
      "--scopes: 'operation:Cars' is none of tasks:read, tasks:write, admin, operation:NAME.",
    ],
    [
      'keys create --tenant a --expires-in 0s',
      '--expires-in: must be 1s to 3650d: a number and ms, s, m, h or d.',
    ],
    [
      'keys create --tenant a --expires-in 3651d',
      '--expires-in: must be 1s to 3650d: a number and ms, s, m, h or d.',
    ],
    ['keys revoke', 'keys revoke: KEY_ID is missing.'],
    ['keys revoke 17', 'KEY_ID: must be as keys list tells it: key_ and 16 characters.'],
    [
      'keys revoke key_0123456789abcdef key_0123456789abcdef',
      "keys revoke: Unexpected argument 'key_0123456789abcdef'.",
    ],
    ['constructor', 'There is no command constructor.'],
  ])('"%s" are told to be at fault in words', (line, words) => {
    let told: unknown
    try {
      read(line)
    } catch (error) {
      told = error
    }
    expect(told).toBeInstanceOf(UsageError)
    expect((told as UsageError).message).toBe(words)
  })
})
