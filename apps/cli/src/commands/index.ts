import type { Command } from '../command.ts'
import { KEYS_COMMANDS } from './keys.ts'
import { LIMITS_COMMANDS } from './limits.ts'
import { SECRETS_COMMANDS } from './secrets.ts'
import { SIGNING_KEYS_COMMANDS } from './signing-keys.ts'

/** All of them, in the order of the usage. */
export const COMMANDS: readonly Command[] = [
  ...KEYS_COMMANDS,
  ...LIMITS_COMMANDS,
  ...SECRETS_COMMANDS,
  ...SIGNING_KEYS_COMMANDS,
]
