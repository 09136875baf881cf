import { DEFAULT_TENANT } from '@accepted/contract'
import { maybeTimestamp, type TenantSecret, type TenantSecrets, timestamp } from '@accepted/core'
import type { Command, Row } from '../command.ts'
import { OVERLAP, overlapOf } from './overlap.ts'
import { TENANT } from './tenant.ts'

/** `accepted secrets …` */
export const SECRETS_COMMANDS: Command[] = [
  {
    name: 'secrets list',
    summary: 'The secrets that callbacks are signed with, in full. A tenant that has none is given one.',
    options: { tenant: TENANT },
    run: ({ secrets }, options) => ofEach(secrets, options, (name) => secrets.of(name)),
  },
  {
    name: 'secrets rotate',
    summary: 'New secrets. The ones before stay valid for the overlap, any older ones do not.',
    options: { tenant: TENANT, overlap: OVERLAP },
    run: ({ secrets, actedBy }, options) =>
      ofEach(secrets, options, (name) => secrets.rotate(name, overlapOf(options), actedBy)),
  },
  {
    name: 'secrets reseal',
    summary:
      'Seals all that is secret with the first key of SECRETS_KEY, so that the others can be given up.',
    options: {},
    run: async ({ secrets, signingKeys }) => ({
      resealed: (await secrets.reseal()) + (await signingKeys.reseal()),
    }),
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
