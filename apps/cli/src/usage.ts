import type { Command, CommandOption } from './command.ts'

/** How to call the commands. */
export function usage(commands: readonly Command[]): string {
  const lines = commands.flatMap(({ name, summary, options, operands = {} }) => {
    const words = Object.values(operands).map(({ placeholder }) => placeholder)
    return [`  ${[name, ...words, ...Object.entries(options).map(inUsage)].join(' ')}`, `      ${summary}`]
  })
  const options = new Map(
    commands.flatMap(({ options: own }) =>
      Object.entries(own).map(([name, { placeholder, description }]): [string, string] => [
        `--${name} ${placeholder}`,
        description,
      ]),
    ),
  )
  options.set('--json', 'one JSON value on one line')
  const width = Math.max(...[...options.keys()].map((option) => option.length))
  return `usage: accepted COMMAND [OPTIONS]

${lines.join('\n')}

${[...options].map(([option, words]) => `  ${option.padEnd(width)}  ${words}`).join('\n')}

REDIS_URL, KEY_PREFIX, SECRETS_KEY and SECRETS_KEY_FILE tell which installation; without them it is the one that npm
start runs with the same DATA_DIR.
`
}

function inUsage([name, { placeholder, required }]: [string, CommandOption]): string {
  return required ? `--${name} ${placeholder}` : `[--${name} ${placeholder}]`
}
