export * from './operation.ts'
export * from './problems.ts'
export * from './status.ts'
export * from './task.ts'
