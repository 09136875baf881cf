import type { Claim, Logger, Work } from '@accepted/core'
import type { ResourceSpace } from '@accepted/operations'
import type { RunnableOperation } from './runnable-operation.ts'

/** A task in this worker's hands, to run an attempt of it or to undo it, with what that takes. */
export interface HeldTask {
  work: Work
  claim: Claim
  operation: RunnableOperation
  /** Where the tenant's resources are kept. */
  resources: ResourceSpace
  /** Ends what is done with it before its handler does; aborted at the first refused write. */
  abort: AbortController
  log: Logger
}
