import { ApiSettings, SharedSettings, WorkerSettings } from '@accepted/core'
import { loadContracts } from '@accepted/operations'
import type { TProperties, TSchema } from 'typebox'

/** Operations that come with the house; those that somebody adds are told by their own contracts. */
const EXAMPLES = ['car.build', 'car.read', 'car.reserve', 'report.export']
const SECTION = /(<!-- settings:[^>]*-->\n)[\s\S]*?(<!-- \/settings -->)/

interface Property {
  default?: unknown
  description?: string
}

/** The settings of both apps and of the example operations as a Markdown table, from the schemas that check them. */
export async function settingsTable(): Promise<string> {
  const rows: string[][] = []
  const readers = new Map<string, { property: TSchema & Property; reader: string }>()
  const add = (properties: TProperties, reader: string) => {
    for (const [name, property] of Object.entries(properties)) {
      const known = readers.get(name)
      readers.set(name, { property, reader: known && known.reader !== reader ? 'both' : reader })
    }
  }
  add(SharedSettings.properties, 'both')
  add(without(ApiSettings.properties, SharedSettings.properties), 'api')
  add(without(WorkerSettings.properties, SharedSettings.properties), 'worker')
  const contracts = await loadContracts()
  for (const contract of EXAMPLES.map((name) => contracts.get(name)!))
    add(contract.settings.properties, `worker, \`${contract.name}\``)
  for (const [name, { property, reader }] of readers) {
    const { default: preset = '' } = property
    const value = preset === '' ? '' : `\`${String(preset)}\``
    rows.push([`\`${name}\``, value, reader, property.description ?? ''])
  }
  return [['name', 'default', 'read by', 'meaning'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('')
}

/** A page with its settings section made anew. @throws {Error} if the page has none */
export function withSettingsTable(page: string, table: string): string {
  if (!SECTION.test(page)) throw new Error('the page has no settings section')
  return page.replace(SECTION, (_match, begin: string, end: string) => `${begin}\n${table}\n${end}`)
}

function without(properties: TProperties, others: TProperties): TProperties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !(name in others)))
}
