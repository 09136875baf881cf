import { isTenantName } from '@accepted/contract'
import type { CommandOption } from '../command.ts'

/** Whose. */
export const TENANT: CommandOption = {
  placeholder: 'T',
  description: 'whose; if not said: of secrets those of all, of the trail what is of no tenant',
  faultOf: (value) =>
    isTenantName(value) ? undefined : 'must be 1 to 64 letters, digits, dots, dashes and underscores',
}
