import { CALLBACK_LANE, type OperationContract, redeliverCallbacks } from '@accepted/contract'
import {
  ApiKeys,
  type ApiSettings,
  AuditTrail,
  Deliveries,
  Estimator,
  InstallationKeys,
  isLoopbackHost,
  KnownKeys,
  LaneJobs,
  type Logger,
  LostCreates,
  type NameResolver,
  parseOrigins,
  parseTrustedProxies,
  readFigures,
  readTargetRules,
  Scripts,
  type Sealer,
  SettingsError,
  Submissions,
  TaskControl,
  TaskReader,
  TaskWatch,
  TenantLimits,
  Upkeep,
} from '@accepted/core'
import { carStore, orderStore, reportStore, reservationStore, resourceSpace } from '@accepted/operations'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify'
import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import { FullLanes } from './admission/full-lanes.ts'
import { OPEN } from './auth/access.ts'
import { oidcTerms } from './auth/auth-settings.ts'
import { bearer } from './auth/bearer.ts'
import { oidcCallers } from './auth/oidc.ts'
import { securityOf, securitySchemes } from './auth/security-schemes.ts'
import { callbackMembers } from './callbacks/callback-members.ts'
import { CONNECTION_LIMITS, type ConnectionLimits } from './connections/connection-limits.ts'
import { Connections } from './connections/connections.ts'
import { STREAM_LIMITS, type StreamLimits } from './event-stream.ts'
import { HeldRequests } from './held-requests.ts'
import { overloadMetrics } from './metrics/overload-metrics.ts'
import { requestMetrics } from './metrics/request-metrics.ts'
import { storeMetrics } from './metrics/store-metrics.ts'
import { type Immediate, operationRoute } from './operation-route.ts'
import { shedRequests } from './overload/shed-requests.ts'
import { type Probes, Shedding } from './overload/shedding.ts'
import { acts } from './plugins/acts.ts'
import { auth } from './plugins/auth.ts'
import { cors } from './plugins/cors.ts'
import { hostnameOf, httpRules, originForm } from './plugins/http-rules.ts'
import { jsonBody } from './plugins/json-body.ts'
import { methods } from './plugins/methods.ts'
import { negotiation } from './plugins/negotiation.ts'
import { openapi } from './plugins/openapi.ts'
import { answerProblem, problemOf, problems } from './plugins/problems.ts'
import { requestId, requestIds } from './plugins/request-ids.ts'
import { securityFields } from './plugins/security-headers.ts'
import { validation } from './plugins/validation.ts'
import { PollPacing } from './quotas/poll-pacing.ts'
import { RequestQuota } from './quotas/request-quota.ts'
import { SharedBuckets } from './quotas/shared-buckets.ts'
import { auditRoute } from './routes/audit.ts'
import { carRoutes, readCar } from './routes/cars.ts'
import { deliveryRoutes } from './routes/deliveries.ts'
import { healthRoutes } from './routes/health.ts'
import { jwksRoutes } from './routes/jwks.ts'
import { metricsRoute } from './routes/metrics.ts'
import { operationRoutes } from './routes/operations.ts'
import { orderRoutes } from './routes/orders.ts'
import { problemPages } from './routes/problem-pages.ts'
import { taskActionRoutes } from './routes/task-actions.ts'
import { taskEventRoutes } from './routes/task-events.ts'
import { taskRoutes } from './routes/tasks.ts'
import { TaskStreams } from './task-streams.ts'
import { TaskWaits } from './task-waits.ts'

const BODY_MAX_BYTES = 1_000_000
/** The share of all connections that requests which are held may take, so that others are answered. */
const HELD_SHARE = 0.8
/** The same of those of one tenant. */
const HELD_SHARE_OF_TENANT = 0.5

/** What the API is made of. */
export interface ApiDependencies {
  settings: ApiSettings
  /** Those of the folders; the one that comes with the house is added. */
  contracts: ReadonlyMap<string, OperationContract>
  /** Answers in time or fails (`connectForAnswers`); the caller closes it. */
  redis: Redis
  /** Hears of changes (`connectForWatching`); the caller closes it. */
  subscriber: Redis
  /** Base of absolute links, without a slash at its end; asked for when the app is ready or later. */
  publicUrl: () => string
  version: string
  /** Opens the secrets; undefined if there is no key, and so no callbacks. */
  sealer: Sealer | undefined
  /** Looks up where callbacks lead; the caller closes it. */
  names: NameResolver
  log: Logger
  /** What the process itself tells of its state in `/metrics`. */
  processMetrics?: Registry
  /** What tells how busy the process is, if it is not to be measured. */
  probes?: Probes
  /** Other limits than `STREAM_LIMITS`. */
  streamLimits?: Partial<StreamLimits>
  /** Other limits than `CONNECTION_LIMITS` and those of the settings. */
  connectionLimits?: Partial<ConnectionLimits>
}

/**
 * Builds the API: no environment, no listening. Closing it leaves nothing behind but what it was given.
 *
 * @throws {SettingsError} if those of callbacks, CORS or proxies are faulty
 */
export async function buildApp(deps: ApiDependencies): Promise<FastifyInstance> {
  const { settings, redis, subscriber, publicUrl, version, sealer, names, log } = deps
  const targets = readTargetRules(settings)
  if (targets.outcome === 'faulty') throw new SettingsError(targets.faults)
  const origins = parseOrigins(settings.CORS_ORIGINS)
  if (origins.outcome === 'faulty') throw new SettingsError(origins.faults)
  const proxies = parseTrustedProxies(settings.TRUST_PROXY)
  if (proxies.outcome === 'faulty') throw new SettingsError(proxies.faults)
  const contracts = new Map([...deps.contracts, [redeliverCallbacks.name, redeliverCallbacks]])
  const jobs = new LaneJobs(redis, settings.KEY_PREFIX, log)
  const scripts = new Scripts(redis, settings.KEY_PREFIX, jobs)
  const upkeep = new Upkeep(scripts, jobs)
  const estimator = new Estimator(upkeep)
  const reader = new TaskReader(scripts)
  const watch = new TaskWatch(subscriber, scripts, reader, log)
  const held = new HeldRequests({
    inAll: Math.ceil(settings.MAX_CONNECTIONS * HELD_SHARE),
    perHolder: Math.ceil(settings.MAX_CONNECTIONS * HELD_SHARE_OF_TENANT),
  })
  const waits = new TaskWaits(watch, reader, held)
  const bounds = { minSeconds: settings.RETRY_AFTER_MIN, maxSeconds: settings.RETRY_AFTER_MAX }
  const styles = () => ({ publicUrl: publicUrl(), bounds })
  const keys =
    settings.AUTH === 'keys'
      ? new KnownKeys({ keys: new ApiKeys(scripts), now: () => scripts.clock.now(), log })
      : undefined
  const tokens = oidcTerms(settings)
  const bucketsOf = (quota: string) =>
    new SharedBuckets({
      redis,
      prefix: `${settings.KEY_PREFIX}:quota:${quota}`,
      withoutRedis: settings.QUOTAS_WITHOUT_REDIS,
    })
  const quota =
    keys &&
    new RequestQuota({
      buckets: bucketsOf('requests'),
      limits: new TenantLimits(scripts),
      perSecond: settings.TENANT_REQUESTS,
      log,
    })
  const spaceOf = ({ tenant }: FastifyRequest) => resourceSpace(redis, settings.KEY_PREFIX, tenant)

  const connections = new Connections({
    limits: {
      ...CONNECTION_LIMITS,
      connections: settings.MAX_CONNECTIONS,
      connectionsPerAddress: settings.MAX_CONNECTIONS_PER_ADDRESS,
      requestMs: settings.REQUEST_TIMEOUT_SECONDS * 1000,
      ...deps.connectionLimits,
    },
    limitsAddresses: proxies.proxies === false,
    publicUrl,
    log,
  })

  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    requestIdHeader: false,
    bodyLimit: BODY_MAX_BYTES,
    trustProxy: proxies.proxies,
    // Requests that are under way when it stops are served.
    return503OnClosing: false,
    // Longer than any: what is not an id is told by validation.
    routerOptions: { maxParamLength: 16_384 },
    serverFactory: (handle) => connections.createServer(handle),
    clientErrorHandler: (error, socket) => connections.answerClientError(error, socket),
    rewriteUrl: originForm,
    frameworkErrors: (error, request, reply) =>
      answerProblem(problemOf(error, request), request, reply, publicUrl()),
  })
  const shedding = new Shedding(
    { loopDelayMs: settings.SHED_LOOP_DELAY_MS, memoryShare: settings.SHED_MEMORY_SHARE },
    log,
    deps.probes,
  )
  const requests = requestMetrics(app)
  await app.register(requestIds, { log })
  await app.register(securityFields, { publicUrl })
  await app.register(problems, { publicUrl })
  await app.register(cors, { origins: origins.origins })
  const isOurs = (hostname: string) => isLoopbackHost(hostname) || hostname === hostnameOf(publicUrl())
  await app.register(httpRules, { connections, isOurs: keys ? undefined : isOurs })
  await app.register(acts, { entries: settings.AUDIT_ENTRIES })
  await app.register(shedRequests, { shedding, bounds, publicUrl })
  const schemes = keys && securitySchemes(tokens !== undefined)
  await app.register(auth, {
    authenticate: keys && bearer(keys, tokens && oidcCallers(tokens, log)),
    security: schemes ? securityOf(schemes) : [],
    quota,
  })
  await app.register(validation)
  await app.register(methods)
  await app.register(negotiation)
  await app.register(jsonBody)
  await app.register(callbackMembers)
  await app.register(openapi, { publicUrl, version, schemes, environment: settings.ENVIRONMENT })

  const now = () => scripts.clock.now()
  const [retentionMs, tombstoneMs] = [settings.RETENTION_SECONDS * 1000, settings.TOMBSTONE_SECONDS * 1000]
  const lost = new LostCreates(scripts, reader, retentionMs, log)
  const start = {
    submissions: new Submissions(scripts, lost),
    reader,
    waits,
    estimator,
    maxBacklog: settings.MAX_BACKLOG,
    fullLanes: new FullLanes({
      look: ({ lane, operation }) => upkeep.laneState(0, lane, operation),
      maxBacklog: settings.MAX_BACKLOG,
      bounds,
    }),
    quotas: keys && {
      waiting: settings.TENANT_WAITING,
      storedBytes: settings.TENANT_STORED_BYTES,
      tombstoneMs,
    },
    callbacks: { rules: targets.rules, names, canSign: sealer !== undefined },
    now,
    styles,
  }
  const immediate: Record<string, Immediate> = {
    'car.read': readCar((request) => carStore(spaceOf(request))),
  }
  for (const contract of contracts.values()) {
    operationRoute(app, contract, start, contract.immediate ? immediate[contract.name] : undefined)
  }
  const pacing = keys && new PollPacing(bucketsOf('polls'))
  const read = { reader, waits, estimator, contracts, now, styles, pacing, quota }
  const act = {
    control: new TaskControl(scripts, retentionMs, tombstoneMs),
    estimator,
    now,
    styles,
  }
  taskRoutes(app, read)
  taskActionRoutes(app, act)
  const limits = { ...STREAM_LIMITS, ...deps.streamLimits }
  const streams = new TaskStreams({ watch, held, estimator, now, limits })
  taskEventRoutes(app, { reader, streams, quota })
  operationRoutes(app, read, act)
  deliveryRoutes(app, new Deliveries(scripts), quota)
  auditRoute(app, new AuditTrail(scripts), quota)
  carRoutes(
    app,
    (request) => carStore(spaceOf(request)),
    (request) => reservationStore(spaceOf(request)),
    quota,
  )
  orderRoutes(app, {
    ordersOf: (request) => orderStore(spaceOf(request)),
    reportsOf: (request) => reportStore(spaceOf(request)),
  })
  const lanes = [...new Set([...contracts.values()].map(({ lane }) => lane)), CALLBACK_LANE]
  healthRoutes(app, { lanes, laneState: (lane) => upkeep.laneState(0, lane) })
  jwksRoutes(app, sealer && new InstallationKeys(scripts, sealer))
  const own = [requests, overloadMetrics(shedding, start.fullLanes)]
  const registries = deps.processMetrics ? [deps.processMetrics, ...own] : own
  metricsRoute(app, isLoopbackHost(settings.HOST) ? OPEN : ['admin'], registries, () =>
    storeMetrics(() => readFigures(scripts, lanes), settings.MAX_STORED_BYTES),
  )
  problemPages(app)
  app.after(() => app.refuseOtherMethods())
  // The server closes once all are answered and no connection waits for another request.
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
    held.close()
  })
  app.addHook('onSend', (_request, reply, payload, next) => {
    if (closing) reply.header('connection', 'close')
    next(null, payload)
  })
  app.addHook('onClose', async () => {
    keys?.close()
    await lost.close()
    await jobs.close()
  })
  return app
}
