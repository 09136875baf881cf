import { v7 as uuid7 } from 'uuid'
import { handle, PermanentError } from '../handler.ts'
import { type Order, orderStore } from '../resources/orders.ts'
import { ReportTooLarge, reportStore } from '../resources/reports.ts'
import contract from './contract.ts'
import { typesetReport } from './typeset/index.ts'

export default handle(contract, async ({ input, settings, signal, resources, step, progress }) => {
  const from = new Date(input.start_date)
  const until = new Date(input.end_date)
  const orders = orderStore(resources)
  const reports = reportStore(resources)

  const { reportId, expected, generatedAt } = await step('search', async () => ({
    reportId: uuid7(),
    expected: await orders.count(from, until),
    generatedAt: new Date().toISOString(),
  }))

  const { listed, sizeBytes } = await step('typeset', async () => {
    let count = 0
    async function* counted(): AsyncGenerator<Order[]> {
      for await (const batch of orders.between(from, until)) {
        yield batch
        count += batch.length
        // The last percents are the PDF's end and its publication.
        progress(Math.min(95, (95 * count) / Math.max(expected, 1)))
      }
    }
    const pdf = typesetReport({
      startDate: input.start_date,
      endDate: input.end_date,
      generatedAt: new Date(generatedAt),
      orders: counted(),
      signal,
    })
    try {
      return { sizeBytes: await reports.write(reportId, pdf, settings.REPORT_MAX_BYTES), listed: count }
    } catch (error) {
      if (!(error instanceof ReportTooLarge)) throw error
      throw new PermanentError(`${error.message}; choose a shorter range`, {
        code: 'report_too_large',
        cause: error,
      })
    }
  })

  return step('publish', async () => {
    const createdAt = new Date()
    const fileName = `orders-${input.start_date}-to-${input.end_date}.pdf`
    await reports.publish(
      { reportId, sizeBytes, fileName, createdAt: createdAt.toISOString() },
      settings.REPORT_RETENTION_SECONDS,
    )
    const expiresAt = new Date(createdAt.getTime() + settings.REPORT_RETENTION_SECONDS * 1000)
    return { report_id: reportId, orders: listed, size_bytes: sizeBytes, expires_at: expiresAt.toISOString() }
  })
})
