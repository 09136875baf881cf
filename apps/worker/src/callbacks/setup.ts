import {
  CallbackSigner,
  InstallationKeys,
  type Logger,
  NameResolver,
  Outbox,
  readTargetRules,
  type Scripts,
  type Sealer,
  SettingsError,
  TenantSecrets,
  type WorkerSettings,
} from '@accepted/core'
import { Deliverer } from './deliverer.ts'
import { createGuardedAgent, type GuardedAgent } from './guarded-agent.ts'
import { PROMISED_SCHEDULE, readSchedule, type Schedule, wholeScheduleMs } from './schedule.ts'
import { readTlsContext } from './tls-context.ts'

/** A holder that has said nothing for so much longer than an attempt may take is lost. */
const LEASE_SPARE_MS = 5_000
/** A receiver that does not answer is let alone so long at least, first. */
const LEAST_PAUSE_MS = 100

/** What the settings say of callbacks, ready for use. */
export interface CallbackTerms {
  schedule: Schedule
  agent: GuardedAgent
  /** Looks up the names of receivers. */
  names: NameResolver
}

/**
 * Reads what the settings say of callbacks.
 *
 * @throws {SettingsError} that tells all faults at once
 */
export function readCallbackTerms(settings: WorkerSettings): CallbackTerms {
  const { CALLBACK_SCHEDULE, CALLBACK_TLS_CERT, CALLBACK_TLS_KEY, CALLBACK_TLS_CA } = settings
  const read = CALLBACK_SCHEDULE ? readSchedule(CALLBACK_SCHEDULE) : null
  const rules = readTargetRules(settings)
  const tls = readTlsContext({
    certPath: CALLBACK_TLS_CERT,
    keyPath: CALLBACK_TLS_KEY,
    caPath: CALLBACK_TLS_CA,
  })
  const faults = [
    ...(read?.outcome === 'faulty' ? [read.fault] : []),
    ...(rules.outcome === 'faulty' ? rules.faults : []),
    ...(tls.outcome === 'faulty' ? tls.faults : []),
  ]
  if (rules.outcome === 'faulty' || tls.outcome === 'faulty' || read?.outcome === 'faulty') {
    throw new SettingsError(faults)
  }
  const names = new NameResolver()
  const agent = createGuardedAgent({ rules: rules.rules, names, tls: tls.context })
  return { schedule: read?.schedule ?? PROMISED_SCHEDULE, agent, names }
}

/** What sends callbacks in a worker. */
export function createDeliverer(
  settings: WorkerSettings,
  { schedule, agent }: CallbackTerms,
  scripts: Scripts,
  sealer: Sealer | undefined,
  version: string,
  log: Logger,
): Deliverer {
  const timeoutMs = settings.CALLBACK_TIMEOUT_SECONDS * 1000
  const outbox = new Outbox(scripts, {
    leaseMs: timeoutMs + LEASE_SPARE_MS,
    retentionMs: settings.RETENTION_SECONDS * 1000,
    firstPauseMs: Math.max(LEAST_PAUSE_MS, schedule.delaysMs[0]!),
    wholeScheduleMs: wholeScheduleMs(schedule),
  })
  const signer =
    sealer && new CallbackSigner(new TenantSecrets(scripts, sealer), new InstallationKeys(scripts, sealer))
  return new Deliverer({
    outbox,
    signer,
    agent,
    schedule,
    timeoutMs,
    userAgent: `Accepted/${version}`,
    now: () => scripts.clock.now(),
    log,
    random: Math.random,
  })
}
