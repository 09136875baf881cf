import { maybeTimestamp, type TenantSecret, type TenantSecrets, timestamp } from '@accepted/core'
import type { Command, CommandOption, Row } from '../command.ts'
import { OVERLAP, overlapOf } from './overlap.ts'

/** The tenant that everybody is who names no other. */
const DEFAULT_TENANT = 'default'

const tenant: CommandOption = {
  placeholder: 'T',
  description: 'of this tenant only; else of all',
  faultOf: (value) =>
    /^[A-Za-z0-9._-]{1,64}$/.test(value)
      ? undefined
      : 'must be 1 to 64 letters, digits, dots, dashes and underscores',
}

/** `accepted secrets …` */
export const SECRETS_COMMANDS: Command[] = [
  {
    name: 'secrets list',
    summary: 'The secrets that callbacks are signed with, in full. A tenant that has none is given one.',
    options: { tenant },
    run: ({ secrets }, options) => ofEach(secrets, options, (name) => secrets.of(name)),
  },
  {
    name: 'secrets rotate',
    summary: 'New secrets. The ones before stay valid for the overlap, any older ones do not.',
    options: { tenant, overlap: OVERLAP },
    run: ({ secrets }, options) =>
      ofEach(secrets, options, (name) => secrets.rotate(name, overlapOf(options))),
  },
  {
    name: 'secrets reseal',
    summary:
      'Seals all that is secret with the first key of SECRETS_KEY, so that the others can be given up.',
    options: {},
    run: async ({ secrets, keys }) => ({ resealed: (await secrets.reseal()) + (await keys.reseal()) }),
  },
]

/** Does it for the tenant that is named, or for one after the other. */
async function ofEach(
  secrets: TenantSecrets,
  options: Readonly<Record<string, string>>,
  act: (tenant: string) => Promise<TenantSecret[]>,
): Promise<Row[]> {
  const named = options.tenant
  const tenants =
    named === undefined ? [...new Set([DEFAULT_TENANT, ...(await secrets.tenants())])].sort() : [named]
  const rows: Row[] = []
  for (const name of tenants) rows.push(...(await act(name)).map(rowOf))
  return rows
}

function rowOf({ tenant, secret, createdMs, expiresMs }: TenantSecret): Row {
  return { tenant, secret, created_at: timestamp(createdMs), expires_at: maybeTimestamp(expiresMs) }
}
