import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { printable } from '@accepted/core'
import { prettyFactory } from 'pino-pretty'

const prefixWidth = 'worker'.length

/**
 * Shows what the apps write, each line behind its app's name: pino's JSON lines made readable, others as they are. Nothing in
 * them acts on the terminal.
 * @returns a function that takes an app's name and one of its streams.
 */
export function createLogView(write: (text: string) => void, { colors }: { colors: boolean }) {
  const render = prettyFactory({
    colorize: colors,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,name',
    singleLine: true,
  })
  return (name: string, stream: Readable): void => {
    const prefix = `${name.padEnd(prefixWidth)} | `
    createInterface({ input: stream }).on('line', (line) => {
      for (const shown of render(harmless(line)).trimEnd().split('\n')) write(`${prefix}${shown}\n`)
    })
  }
}

/** A line without what a terminal would act on; the line feeds within the texts of a JSON line stay. */
function harmless(line: string): object | string {
  if (!line.startsWith('{')) return printable(line, true)
  try {
    return JSON.parse(line, (_, value) => (typeof value === 'string' ? printable(value, true) : value))
  } catch {
    return printable(line, true)
  }
}
