import type { Setter } from '../text/setter.ts'
import {
  baselineIn,
  type Colour,
  colour,
  firmRule,
  headerHeight,
  rowHeight,
  size,
  thinRule,
} from './design.ts'
import type { Pages } from './pages.ts'

export interface Column {
  readonly label: string
  readonly x: number
  readonly width: number
  readonly colour: Colour
  /** Numbers stand at the right edge of their column, under each other by their digits. */
  readonly atRight?: boolean
  readonly setter?: Setter
}

/** The row of labels at the top of a table, on each of its pages. */
export function drawHeader(pages: Pages, columns: readonly Column[], label: Setter): void {
  const { canvas } = pages
  const baseline = pages.y - baselineIn(headerHeight, size.label)
  for (const column of columns) {
    const line = label.line(column.label)
    if (column.atRight) canvas.textEndingAt(column.x + column.width, line, baseline, line.width, colour.muted)
    else canvas.text(line, column.x, baseline, colour.muted)
  }
  pages.y -= headerHeight
  canvas.rule(...edges(columns), pages.y, firmRule, colour.accent)
}

/** One row, one line: a cell that is too long ends with an ellipsis, a number is squeezed instead. */
export function drawRow(
  pages: Pages,
  columns: readonly Column[],
  body: Setter,
  cells: readonly string[],
): void {
  const { canvas } = pages
  const baseline = pages.y - baselineIn(rowHeight, size.body)
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!
    const setter = column.setter ?? body
    const text = cells[i] ?? ''
    if (column.atRight) {
      canvas.textEndingAt(column.x + column.width, setter.line(text), baseline, column.width, column.colour)
    } else {
      canvas.text(setter.fit(text, column.width), column.x, baseline, column.colour)
    }
  }
  pages.y -= rowHeight
  canvas.rule(...edges(columns), pages.y, thinRule, colour.line)
}

function edges(columns: readonly Column[]): [number, number] {
  const last = columns.at(-1)!
  return [columns[0]!.x, last.x + last.width]
}
