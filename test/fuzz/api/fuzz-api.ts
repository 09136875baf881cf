import { randomBytes } from 'node:crypto'
import { fetchDocument, type OpenapiDocument, responseChecker } from '@accepted/api/testing'
import type { Scope } from '@accepted/contract'
import { ApiKeys, connectForWork, createLog, Scripts } from '@accepted/core'
import { until } from '@accepted/core/testing'
import fc from 'fast-check'
import { type LogLine, MortalApp, messageOf } from '../../mortal-app.ts'
import type { FuzzOptions } from '../fuzz-options.ts'
import { COLLECT, type Holdings, holdingsAtRest, holdingsOf, leaksOf } from '../holdings.ts'
import { Known } from './known.ts'
import { type Caller, type FuzzRequest, requestsOf } from './requests.ts'

const AT_ONCE = 6
const LONGEST_SEQUENCE = 12
/** No answer takes longer: of what may be held, `wait=1` is the most that is asked for. */
const ANSWERED_WITHIN_MS = 20_000

/** Requests after which the API is as large as it is at work. */
const WARM_UP = 1_500

export interface ApiFuzzReport {
  sequences: number
  requests: number
  /** How often which status was answered, and which `code` of a 503. */
  answers: Record<string, number>
  /** By operation, how many requests had an answer below 400: an operation that is not there was never reached. */
  reached: Record<string, number>
  /** Ids that came back and were used again. */
  known: Record<string, number>
  /** What the API held after warming up, if it came so far, and at the end. */
  holdings: { before: Holdings | undefined; after: Holdings }
  /** What the apps said at level `warn` or above. */
  said: Record<string, number>
  wrong: string[]
}

/**
 * Sends what can be made of the OpenAPI document to an API with a worker, in sequences that use the ids that come back, of two tenants
 * and of strangers. Right is: every answer is as described, none is 5xx but a 503, nothing of another tenant shows, nothing is logged as an
 * error, both processes live, and the API keeps no socket and no memory.
 *
 * @param mostSequences it ends after so many, too: how far it comes must not depend on the machine
 */
export async function fuzzApi({
  redisUrl,
  prefix,
  forMs,
  seed,
  say,
  mostSequences = Number.MAX_SAFE_INTEGER,
}: FuzzOptions & { mostSequences?: number }): Promise<ApiFuzzReport> {
  const said: Record<string, number> = {}
  const wrong: string[] = []
  /** Not yet told. */
  const errors: string[] = []
  const hear = (line: LogLine) => {
    said[messageOf(line)] = (said[messageOf(line)] ?? 0) + 1
    if (line.level >= 50) errors.push(`logged: ${messageOf(line)}`)
  }
  const environment = {
    REDIS_URL: redisUrl,
    KEY_PREFIX: prefix,
    PORT: '0',
    AUTH: 'keys',
    CAR_STEP_MS: '5',
    SECRETS_KEY: randomBytes(32).toString('hex'),
    CALLBACK_ALLOW_CIDRS: '127.0.0.0/8',
    CALLBACK_SCHEDULE: '1ms',
  }
  const api = new MortalApp('api', { environment, hear, preload: [COLLECT] })
  const worker = new MortalApp('worker', { environment, hear })
  const redis = connectForWork(redisUrl, createLog('fuzz', 'silent'))
  try {
    const [{ url }] = await Promise.all([api.start(), worker.start()])
    const base = url as string
    await until(async () => (await fetch(`${base}/readyz`)).ok)
    const credentials = await credentialsOf(new ApiKeys(new Scripts(redis, prefix, null)))
    const document = await fetchDocument(base)
    const session = new Session(base, document, credentials)
    const holdings = () => holdingsOf(api, () => base)
    let before: Holdings | undefined
    const details = await fc.check(
      fc.asyncProperty(
        fc.array(fc.array(requestsOf(document), { minLength: 1, maxLength: AT_ONCE }), {
          minLength: 1,
          maxLength: LONGEST_SEQUENCE,
        }),
        async (sequence) => {
          session.sequences += 1
          if (session.requests >= WARM_UP) before ??= await holdings()
          for (const batch of sequence) await Promise.all(batch.map((request) => session.send(request)))
          if (errors.length > 0) throw new Error(errors.splice(0).join('\n'))
        },
      ),
      {
        seed,
        numRuns: mostSequences,
        interruptAfterTimeLimit: forMs,
        endOnFailure: false,
        maxSkipsPerRun: 0,
      },
    )
    if (details.failed && details.counterexample) {
      const fault = details.errorInstance instanceof Error ? details.errorInstance.message : ''
      wrong.push(`${fault}\n${JSON.stringify(details.counterexample[0], null, 1)}`)
    }
    say(`${session.requests} requests in ${session.sequences} sequences`)
    wrong.push(...errors)
    if (!(await fetch(`${base}/readyz`)).ok) wrong.push('it is not ready any more')
    const { sequences, requests, answers, reached } = session
    const after = await holdingsAtRest(holdings)
    wrong.push(...leaksOf(before, after))
    return {
      sequences,
      requests,
      answers,
      reached,
      known: session.known.counts,
      holdings: { before, after },
      said,
      wrong,
    }
  } finally {
    await Promise.all([api.end('SIGTERM'), worker.end('SIGTERM')])
    for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1000 })) {
      if (keys.length > 0) await redis.unlink(keys)
    }
    redis.disconnect()
  }
}

type Credentials = Record<Caller, string | undefined>

async function credentialsOf(keys: ApiKeys): Promise<Credentials> {
  const key = async (tenant: string, scopes: Scope[]) =>
    `Bearer ${(await keys.create({ tenant, scopes })).key}`
  return {
    north: await key('north', ['tasks:read', 'tasks:write']),
    south: await key('south', ['tasks:read', 'tasks:write']),
    'north, admin': await key('north', ['tasks:read', 'tasks:write', 'admin']),
    'north, reading': await key('north', ['tasks:read']),
    nobody: undefined,
    'a stranger': `Bearer acc_${'x'.repeat(43)}`,
    junk: 'Basic \xff\xfe:;,"',
  } satisfies Credentials
}

/** Sends requests and judges their answers. */
class Session {
  readonly known = new Known()
  readonly answers: Record<string, number> = {}
  readonly reached: Record<string, number> = {}
  sequences = 0
  requests = 0
  readonly #base: string
  readonly #credentials: Credentials
  readonly #check: ReturnType<typeof responseChecker>

  constructor(base: string, document: OpenapiDocument, credentials: Credentials) {
    this.#base = base
    this.#credentials = credentials
    this.#check = responseChecker(document)
  }

  /** @throws {Error} that says what is wrong with the answer */
  async send(request: FuzzRequest): Promise<void> {
    const { caller, method, body } = request
    const { path, headers } = this.known.resolve(request)
    const authorization = this.#credentials[caller]
    const answer = await fetch(new URL(path, this.#base), {
      method,
      redirect: 'manual',
      headers: {
        ...(body ? { 'content-type': body.type } : {}),
        ...(authorization ? { authorization } : {}),
        ...headers,
        // What is open in the end is then none of fetch's pool.
        connection: 'close',
      },
      ...(body && method !== 'HEAD' && method !== 'GET' ? { body: body.text } : {}),
      signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
    })
    const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream')
    const bytes = isStream ? undefined : await answer.bytes()
    if (isStream) await answer.body?.cancel()
    this.#judge(request, path, JSON.stringify([path, headers, body]), answer, bytes)
  }

  #judge(
    request: FuzzRequest,
    path: string,
    sent: string,
    answer: Response,
    bytes: Uint8Array | undefined,
  ): void {
    const { caller, method, operationId } = request
    const { status, headers } = answer
    const text = Buffer.from(bytes ?? []).toString()
    this.requests += 1
    const name =
      status === 503 ? `503 ${(JSON.parse(text || '{}') as { code?: string }).code}` : String(status)
    this.answers[name] = (this.answers[name] ?? 0) + 1
    if (status < 400) this.reached[operationId] = (this.reached[operationId] ?? 0) + 1
    const fault = (what: string) =>
      new Error(`${what}: ${caller} ${method} ${path} answered ${status} ${text.slice(0, 500)}`)
    if (status >= 500 && status !== 503) throw fault('a 5xx')
    if (this.known.betrays(caller, path, status)) throw fault('what is another tenant’s was found')
    // Where it leads is as it was sent, after the client's own URL parser.
    this.#check({ method, path: new URL(path, this.#base).pathname, status, headers, body: bytes })
    const foreign = this.known.learn(request, sent, answer, text)
    if (foreign.length > 0) throw fault(`ids of another tenant show (${foreign})`)
  }
}
