import { Count, defineOperation, Moment, Uuid7 } from '@accepted/contract'
import { Type } from 'typebox'
import { REPORT_MAX_BYTES } from '../resources/reports.ts'

const MAX_DAYS = 366
const DAY_MS = 24 * 60 * 60 * 1000

export default defineOperation({
  name: 'report.export',
  route: 'POST /orders/reports',
  summary: 'Export a report of orders as PDF',
  description: `Finds the orders of a range of at most ${MAX_DAYS} days and typesets them. The finished task leads to the PDF.`,
  input: Type.Object({
    start_date: Type.String({
      format: 'date',
      maxLength: 10,
      description: 'First day, UTC',
      examples: ['2021-10-01'],
    }),
    end_date: Type.String({
      format: 'date',
      maxLength: 10,
      description: 'The day after the last, UTC',
      examples: ['2021-11-01'],
    }),
  }),
  check({ start_date, end_date }) {
    const days = (Date.parse(end_date) - Date.parse(start_date)) / DAY_MS
    if (days <= 0) return [{ member: 'end_date', detail: `must be after start_date (${start_date})` }]
    if (days > MAX_DAYS)
      return [{ member: 'end_date', detail: `the range has ${days} days; at most ${MAX_DAYS}` }]
    return []
  },
  output: Type.Object(
    {
      report_id: Uuid7('The report'),
      orders: Count('How many orders it lists'),
      size_bytes: Count('Of the PDF', 1),
      expires_at: Moment({ description: 'Until when the PDF is kept' }),
    },
    { title: 'ReportResult' },
  ),
  resource: (report) => `/orders/reports/${report.report_id}`,
  collection: 'reports',
  steps: ['search', 'typeset', 'publish'],
  settings: Type.Object({
    REPORT_RETENTION_SECONDS: Type.Integer({
      minimum: 1,
      maximum: 315_360_000,
      default: 604_800,
      description: 'How long a report is kept',
    }),
    REPORT_MAX_BYTES: Type.Integer({
      minimum: 1_024,
      maximum: REPORT_MAX_BYTES,
      default: REPORT_MAX_BYTES,
      description: 'Largest report that is kept; a larger one ends `failed`, `report_too_large`',
    }),
  }),
})
