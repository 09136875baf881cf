import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import type { Command } from './command.ts'

/** Arguments that are no command. The message tells what is wrong with them. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** A command as it was called. */
export interface Invocation {
  command: Command
  options: Record<string, string>
  json: boolean
}

/**
 * Reads the arguments of the command line.
 *
 * @throws {UsageError} for an unknown command or option, or a value out of form
 */
export function readArguments(args: string[], commands: readonly Command[]): Invocation | 'help' {
  if (args.includes('--help') || args.includes('-h')) return 'help'
  const { command, rest } = commandOf(args, commands)
  const config: ParseArgsOptionsConfig = { json: { type: 'boolean' } }
  for (const name of Object.keys(command.options)) config[name] = { type: 'string' }
  const { values, positionals, tokens } = parsed(rest, config, command)
  const said = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    if (said.has(token.name)) throw new UsageError(`${command.name}: --${token.name} is there twice.`)
    said.add(token.name)
  }
  const { json = false, ...named } = values
  const options = { ...(named as Record<string, string>), ...operandsOf(positionals, command) }
  for (const [name, option] of Object.entries(command.options)) {
    const value = options[name]
    if (value === undefined && option.required) throw new UsageError(`${command.name}: --${name} is missing.`)
    const fault = value === undefined ? undefined : option.faultOf(value)
    if (fault) throw new UsageError(`--${name}: ${fault}.`)
  }
  const fault = command.faultOf?.(options)
  if (fault) throw new UsageError(`${command.name}: ${fault}.`)
  return { command, options, json: json as boolean }
}

/** The operands by their names. */
function operandsOf(given: string[], { name: command, operands = {} }: Command): Record<string, string> {
  const wanted = Object.entries(operands)
  const stray = given[wanted.length]
  if (stray !== undefined) throw new UsageError(`${command}: Unexpected argument '${stray}'.`)
  return Object.fromEntries(
    wanted.map(([name, { placeholder, faultOf }], at) => {
      const value = given[at]
      if (value === undefined) throw new UsageError(`${command}: ${placeholder} is missing.`)
      const fault = faultOf(value)
      if (fault) throw new UsageError(`${placeholder}: ${fault}.`)
      return [name, value]
    }),
  )
}

/** The command that the first two words name. */
function commandOf(args: string[], commands: readonly Command[]) {
  const [group, verb, ...rest] = args
  const name = [group, verb].join(' ')
  const command = commands.find((known) => known.name === name)
  if (command) return { command, rest }
  if (group === undefined) throw new UsageError('There is no command.')
  const inGroup = commands.filter((known) => known.name.startsWith(`${group} `))
  if (inGroup.length === 0) throw new UsageError(`There is no command ${group}.`)
  const verbs = inGroup.map((known) => known.name.slice(group.length + 1)).join(', ')
  throw new UsageError(
    verb === undefined || verb.startsWith('-')
      ? `What of ${group}? There is ${verbs}.`
      : `There is no command ${name}; of ${group} there is ${verbs}.`,
  )
}

function parsed(args: string[], options: ParseArgsOptionsConfig, command: Command) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: true, tokens: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error
    // Node's words go on with advice that does not fit here.
    throw new UsageError(`${command.name}: ${message.split(/\. |\n/)[0]!.replace(/\.$/, '')}.`)
  }
}
