import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { type OperationContract, redeliverCallbacks } from '@accepted/contract'
import type { HandledOperation } from './handler.ts'

export * from './handler.ts'
export * from './resources/cars.ts'
export * from './resources/orders.ts'
export * from './resources/reports.ts'
export * from './resources/reservations.ts'
export * from './resources/resource-space.ts'

/** A folder that breaks the rules of operations; the message says how, for whoever starts the process. */
export class OperationFault extends Error {
  override name = 'OperationFault'
}

const HERE = new URL('./', import.meta.url)

/** The contracts of all operations, by name. @throws {OperationFault} */
export async function loadContracts(): Promise<Map<string, OperationContract>> {
  const contracts = new Map<string, OperationContract>()
  const routes = new Map<string, string>([[redeliverCallbacks.route, redeliverCallbacks.name]])
  for (const name of await operationFolders()) {
    if (name === redeliverCallbacks.name) throw new OperationFault(`operations/${name}: the name is taken`)
    const { default: contract } = (await load(name, 'contract.ts')) as { default?: OperationContract }
    if (contract?.name !== name)
      throw new OperationFault(`operations/${name}/contract.ts must export the contract '${name}' as default`)
    const rival = routes.get(contract.route)
    if (rival)
      throw new OperationFault(
        `the operations '${rival}' and '${name}' both have the route ${contract.route}`,
      )
    routes.set(contract.route, name)
    contracts.set(name, contract)
  }
  return contracts
}

/** The operations with their handlers, by name. @throws {OperationFault} */
export async function loadHandlers(): Promise<Map<string, HandledOperation>> {
  const handlers = new Map<string, HandledOperation>()
  for (const [name, contract] of await loadContracts()) {
    const { default: operation } = (await load(name, 'handler.ts')) as { default?: HandledOperation }
    if (operation?.contract !== contract)
      throw new OperationFault(`operations/${name}/handler.ts must export its handler as default`)
    handlers.set(name, operation)
  }
  return handlers
}

/** A folder with a dot in its name is an operation: `noun.verb`. */
async function operationFolders(): Promise<string[]> {
  const entries = await readdir(HERE, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && entry.name.includes('.'))
    .map((entry) => entry.name)
    .sort()
}

async function load(name: string, file: string): Promise<unknown> {
  const url = new URL(`${name}/${file}`, HERE)
  if (!existsSync(url)) throw new OperationFault(`operations/${name} has no ${file}`)
  return import(url.href)
}
