export { typesetReport } from './report.ts'
export type { ReportOptions, ReportOrder } from './types.ts'
