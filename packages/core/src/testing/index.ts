export { checkContents } from '../store/model/invariants.ts'
export { Contents, contentsOf } from './contents.ts'
export {
  COMPLETED,
  DELIVERED,
  deliveryAttempt,
  endedTask,
  FAILED,
  onlyDelivery,
  RETRY,
  takeDelivery,
} from './deliveries.ts'
export { distantProcess } from './distant-process.ts'
export { type DnsAnswer, startDnsServer } from './dns-server.ts'
export { type Random, seeded } from './random.ts'
export { freshPrefix, OUTBOX_TERMS, type TestStore, terms, testStore } from './store.ts'
export { calledBack, claimTask, createdId, createTask, loseWorker, readTask, submission } from './tasks.ts'
export { passTime } from './time.ts'
export { until } from './until.ts'
export {
  type Formats,
  newerScripts,
  scriptsOfFormats,
  scriptsOfPlainQueue,
  scriptsWithoutCaps,
  withFormats,
} from './versions.ts'
