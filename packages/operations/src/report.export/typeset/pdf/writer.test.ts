import { expect, it } from 'vitest'
import { PdfWriter } from './writer.ts'

const information = { title: 'Tïtle', createdAt: new Date('2021-10-01T09:00:00Z') }

it('says where each object begins', async () => {
  const pdf = new PdfWriter()
  const [first, second] = [pdf.reserve(), pdf.reserve()]
  await pdf.stream(second, '', 'content')
  pdf.object(first, '<</Type/Catalog>>')
  await pdf.end(first, information)
  const file = Buffer.from(pdf.take(true)!).toString('latin1')
  const table = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(file)?.[1])
  const entries = file.slice(table).split('\n').slice(3, 6)
  for (const [i, entry] of entries.entries()) {
    expect(file.slice(Number(entry.slice(0, 10)))).toMatch(new RegExp(`^${i + 1} 0 obj\n`))
  }
})

it('hands on bytes once they are worth a chunk', () => {
  const pdf = new PdfWriter()
  expect(pdf.take()).toBeUndefined()
  pdf.object(pdf.reserve(), 'x'.repeat(100_000))
  expect(pdf.take()?.length).toBeGreaterThan(100_000)
  expect(pdf.take(true)).toBeUndefined()
})
