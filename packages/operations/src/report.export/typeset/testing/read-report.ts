import { getDocumentProxy } from 'unpdf'
import { typesetReport } from '../report.ts'
import type { ReportOptions, ReportOrder } from '../types.ts'
import { makeOrders } from './orders.ts'

export interface ReadReport {
  /** The lines of each page, from top to bottom. */
  readonly pages: string[][]
  readonly information: Record<string, unknown>
  readonly viewerPreferences: Record<string, unknown> | null
  readonly bookmarks: string[]
}

export const range = {
  startDate: '2021-09-01',
  endDate: '2021-10-01',
  generatedAt: new Date('2021-10-01T09:00:00Z'),
}

/** A report of these orders, or of so many, of September 2021. */
export async function makeReport(
  orders: readonly ReportOrder[] | number,
  given: Partial<ReportOptions> = {},
): Promise<Buffer> {
  const batches = typeof orders === 'number' ? makeOrders(orders) : oneBatch(orders)
  const chunks: Uint8Array[] = []
  for await (const chunk of typesetReport({ ...range, orders: batches, ...given })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* oneBatch(orders: readonly ReportOrder[]): AsyncGenerator<readonly ReportOrder[]> {
  yield orders
}

const slack = 150 // points: no right-to-left cell is wider

/** Reads a report as a program would that indexes it. */
export async function readReport(pdf: Uint8Array): Promise<ReadReport> {
  const document = await getDocumentProxy(new Uint8Array(pdf))
  const pages: string[][] = []
  for (let number = 1; number <= document.numPages; number++) {
    const { items } = await (await document.getPage(number)).getTextContent()
    // A line ends where the next piece stands at another height, or back at the left.
    const lines: { y: number; x: number; text: string }[] = []
    for (const item of items) {
      if (!('str' in item)) continue
      const [x, y] = [item.transform[4], Math.round(item.transform[5])]
      const line = lines.at(-1)
      if (line?.y === y && x >= line.x - slack) Object.assign(line, { x, text: line.text + item.str })
      else lines.push({ y, x, text: item.str })
    }
    lines.sort((a, b) => b.y - a.y)
    pages.push(lines.map(({ text }) => text.replace(/\s+/g, ' ').trim()).filter(Boolean))
  }
  const { info } = await document.getMetadata()
  return {
    pages,
    information: info as Record<string, unknown>,
    viewerPreferences: (await document.getViewerPreferences()) as Record<string, unknown> | null,
    bookmarks: ((await document.getOutline()) ?? []).map(({ title }) => title),
  }
}

/** The names of the fonts in the file, as the file has them. */
export function fontsOf(pdf: Buffer): string[] {
  const names = pdf.toString('latin1').matchAll(/\/FontName\/[A-J]{6}\+([\w-]+)/g)
  return Array.from(names, ([, name = '']) => name)
}
