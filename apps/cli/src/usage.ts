import type { Command } from './command.ts'

/** How to call the commands. */
export function usage(commands: readonly Command[]): string {
  const lines = commands.flatMap(({ name, summary, options }) => [
    `  ${[name, ...Object.entries(options).map(([option, { placeholder }]) => `[--${option} ${placeholder}]`)].join(' ')}`,
    `      ${summary}`,
  ])
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
