import { isTenantName } from '@accepted/contract'
import type { CommandOption } from '../command.ts'

/** Whose. */
export const TENANT: CommandOption = {
  placeholder: 'T',
  description: 'whose; of secrets: those of all, if not said',
  faultOf: (value) =>
    isTenantName(value) ? undefined : 'must be 1 to 64 letters, digits, dots, dashes and underscores',
}
