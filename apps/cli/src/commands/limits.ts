import { LIMIT_KINDS, LIMIT_NAMES, type LimitName, type SetLimits } from '@accepted/core'
import { bytesOf } from '../bytes.ts'
import type { Command, CommandOption, Row } from '../command.ts'
import type { Installation } from '../installation.ts'
import { TENANT } from './tenant.ts'

/** The options of the limits themselves, by their names. */
const NUMBERS = Object.fromEntries(
  LIMIT_NAMES.map((name): [LimitName, CommandOption] => [name, numberOption(name)]),
)

const NAMES: CommandOption = {
  placeholder: 'N,N',
  description: `${LIMIT_NAMES.join(', ')}; all, if not said`,
  faultOf: (value) => {
    const stray = value.split(',').find((name) => !Object.hasOwn(LIMIT_KINDS, name))
    return stray === undefined ? undefined : `'${stray}' is none of ${LIMIT_NAMES.join(', ')}`
  },
}

/** `accepted limits …` */
export const LIMITS_COMMANDS: Command[] = [
  {
    name: 'limits set',
    summary:
      'What a tenant may, instead of the defaults; effective everywhere within seconds. Those that are not named stay.',
    options: { tenant: { ...TENANT, required: true }, ...NUMBERS },
    faultOf: (options) =>
      LIMIT_NAMES.some((name) => options[name] !== undefined)
        ? undefined
        : `one of ${LIMIT_NAMES.map((name) => `--${name}`).join(', ')} is needed`,
    run: (installation, { tenant, ...options }) => {
      const named = LIMIT_NAMES.filter((name) => options[name] !== undefined)
      return changed(
        installation,
        tenant!,
        Object.fromEntries(named.map((name) => [name, numberOf(name, options[name]!)])),
      )
    },
  },
  {
    name: 'limits list',
    summary: 'The limits that were set. What is empty is the default.',
    options: { tenant: TENANT },
    run: async ({ tenantLimits }, { tenant }) => {
      const all = await tenantLimits.list()
      return [...all]
        .filter(([name]) => tenant === undefined || name === tenant)
        .map(([name, limits]) => rowOf(name, limits))
    },
  },
  {
    name: 'limits clear',
    summary: 'Makes limits of a tenant the default again.',
    options: { tenant: { ...TENANT, required: true }, names: NAMES },
    run: (installation, { tenant, names }) => {
      const cleared = names === undefined ? LIMIT_NAMES : (names.split(',') as LimitName[])
      return changed(installation, tenant!, Object.fromEntries(cleared.map((name) => [name, null])))
    },
  },
]

/** Changes limits, and tells what holds then, and whether anybody has heard of the tenant: its name may be mistyped. */
async function changed(
  { tenantLimits, apiKeys, actedBy }: Installation,
  tenant: string,
  changes: Partial<Record<LimitName, number | null>>,
): Promise<Row> {
  const { hadTasks } = await tenantLimits.set(tenant, changes, actedBy)
  const known = hadTasks || (await apiKeys.list()).some((key) => key.tenant === tenant)
  const limits = (await tenantLimits.list()).get(tenant) ?? {}
  return { ...rowOf(tenant, limits), tenant_known: known }
}

function rowOf(tenant: string, limits: SetLimits): Row {
  return { tenant, ...Object.fromEntries(LIMIT_NAMES.map((name) => [name, limits[name] ?? null])) }
}

function numberOption(name: LimitName): CommandOption {
  const { least, most, description } = LIMIT_KINDS[name]
  const inBytes = name === 'stored'
  return {
    placeholder: inBytes ? 'B' : 'N',
    description: `${description}${inBytes ? ': 500000, 100MB, 1GiB' : ''}${least === 0 ? '; 0: any number' : ''}`,
    faultOf: (value) => {
      const number = numberOf(name, value)
      if (number !== undefined && number >= least && number <= most) return undefined
      return `must be a whole number of ${least} to ${most}${inBytes ? ', perhaps with kB, MB, GB, KiB, MiB or GiB' : ''}`
    },
  }
}

/** Undefined if the text is no number of that kind. */
function numberOf(name: LimitName, text: string): number | undefined {
  return name === 'stored' ? bytesOf(text) : /^\d{1,16}$/.test(text) ? Number(text) : undefined
}
