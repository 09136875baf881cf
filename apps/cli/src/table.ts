import { printable } from '@accepted/core'
import type { Row } from './command.ts'

/** Rows as lines in columns, under the names of their members. What stands in Redis cannot act on the terminal. */
export function tableOf(rows: readonly Row[]): string {
  if (rows.length === 0) return 'none\n'
  const names = Object.keys(rows[0]!)
  const lines = [names, ...rows.map((row) => names.map((name) => printable(String(row[name] ?? '-'))))]
  const widths = names.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)))
  return lines
    .map(
      (cells) =>
        `${cells
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
