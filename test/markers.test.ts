import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startTestIssuer } from '@accepted/api/testing'
import { connectForWork, createLog, Scripts, Sealer, TenantSecrets } from '@accepted/core'
import { until } from '@accepted/core/testing'
import { makeCertificate } from '@accepted/worker/callbacks/testing/certificates'
import { respond, startReceiver } from '@accepted/worker/callbacks/testing/receiver'
import { expect, onTestFinished, test } from 'vitest'
import { bearer, keysOf } from './keys.ts'
import { everythingIn, recording } from './markers/places.ts'
import { mortalRedis } from './mortal-redis.ts'
import { startApp, startStack, told } from './stack.ts'

/**
 * Where what a client sends may appear. What is not named here may appear nowhere: not in a log, an answer, Redis, a callback or a
 * figure. The owner of a task is answered what it sent, and sent it as callbacks; Redis keeps what tasks are made of; logs
 * have what leads from one line to the next.
 */
const MAY_APPEAR: Record<string, Place[]> = {
  'X-Request-Id': ['the API’s log', 'the worker’s log', 'answers', 'Redis', 'the command line'],
  'trace of traceparent': ['the API’s log', 'the worker’s log', 'Redis', 'callbacks'],
  'span of traceparent': ['Redis'],
  Prefer: ['answers', 'Redis'],
  'member of the input': ['answers', 'Redis', 'callbacks'],
  'name of a member that is refused': ['answers'],
  'path of nothing': ['answers'],
  'Content-Type of a body that is refused': ['answers'],
  'path of callback_url': ['answers', 'Redis', 'callbacks'],
  'query of callback_url': ['Redis', 'callbacks'],
  'message for callers of a handler': ['the worker’s log', 'answers', 'Redis', 'callbacks'],
  'message of an error of a handler': ['the worker’s log'],
  // Who acted, and from where, stands in the trail.
  'sub of a token': ['the API’s log', 'answers', 'Redis', 'the command line'],
  'address in X-Forwarded-For, TRUST_PROXY': ['answers', 'Redis', 'the command line'],
  'text in X-Forwarded-For, TRUST_PROXY': ['answers', 'Redis', 'the command line'],
  // `secrets list` is there to show it.
  'secret of callbacks': ['the command line'],
}

type Place =
  | 'the API’s log'
  | 'the worker’s log'
  | 'answers'
  | 'Redis'
  | 'callbacks'
  | 'metrics'
  | 'the command line'

const LEAKY = new URL('./markers/leaky-cars.ts', import.meta.url).href

test('a secret appears nowhere, and what else clients send only where it may', async () => {
  /** Every mark that was sent, by what it was. */
  const sent = new Map<string, string[]>()
  const mark = (what: string, text = `mark-${randomBytes(12).toString('hex')}`) => {
    sent.set(what, [...(sent.get(what) ?? []), text])
    return text
  }

  const { url: bare } = await mortalRedis()
  const password = mark('password of REDIS_URL')
  const redis = connectForWork(bare, createLog('test', 'silent'))
  onTestFinished(() => redis.disconnect())
  await redis.config('SET', 'requirepass', password)
  await redis.auth(password)
  const redisUrl = bare.replace('redis://', `redis://:${password}@`)

  const folder = await mkdtemp(join(tmpdir(), 'accepted-markers-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const { cert, key: tlsKey } = await makeCertificate('us')
  mark('private key of TLS', tlsKey.split('\n')[1])
  await writeFile(join(folder, 'cert.pem'), cert)
  await writeFile(join(folder, 'key.pem'), tlsKey)
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate()
  const secretsKey = mark('SECRETS_KEY', randomBytes(32).toString('base64'))
  const known = [
    `Bearer ${mark('secret in an error of a handler')}`,
    `https://user:${mark('secret in an error of a handler')}@host/?key=${mark('secret in an error of a handler')}`,
    mark('secret in an error of a handler', `acc_${randomBytes(32).toString('base64url')}`),
  ]
  const environment = {
    LEAKY_MESSAGE: [mark('message of an error of a handler'), ...known].join(' '),
    LEAKY_MEMBERS: mark('what hangs on an error of a handler'),
    SECRETS_KEY: secretsKey,
    AUTH: 'keys',
    LOG_LEVEL: 'trace',
    CALLBACK_SCHEDULE: '1ms',
    CALLBACK_TLS_CERT: join(folder, 'cert.pem'),
    CALLBACK_TLS_KEY: join(folder, 'key.pem'),
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: 'accepted',
  }
  const stack = await startStack({ redisUrl, environment, workerFlags: ['--import', LEAKY] })
  const { url, prefix, api, workers } = stack
  const { answers, ask } = recording((path, init) =>
    fetch(new URL(path, url), { redirect: 'manual', ...init }),
  )
  const keys = keysOf(stack)
  const good = await keys.create('north')
  mark('API key', good.key)
  const ops = await keys.create('ops', ['admin'])
  mark('API key', ops.key)
  const admin = await keys.create('north', ['admin'])
  mark('API key', admin.key)
  const token = mark('token', await sign())

  const [hidden, hiddenHeader] = [mark('body of a receiver'), mark('header of a receiver')]
  const receivers = await Promise.all([
    startReceiver(respond('204 No Content', `x-hidden: ${hiddenHeader}\r\nset-cookie: ${hiddenHeader}\r\n`)),
    startReceiver(respond(`500 ${hidden}`, `retry-after: ${hiddenHeader}\r\n`, hidden)),
    startReceiver((socket) => socket.end(`HTTP/9 ${hidden}\r\n${hiddenHeader}\r\n\r\n${hidden}`)),
  ])
  const hook = (n: number) =>
    `http://127.0.0.1:${receivers[n]!.port}/${mark('path of callback_url')}?key=${mark('query of callback_url')}`

  const fields = () => ({
    cookie: `session=${mark('Cookie')}`,
    'x-api-key': mark('X-Api-Key'),
    'proxy-authorization': `Bearer ${mark('Proxy-Authorization')}`,
    'user-agent': mark('User-Agent'),
    referer: `http://elsewhere/${mark('Referer')}`,
    'x-forwarded-for': mark('X-Forwarded-For'),
    'x-hub-secret': mark('a field that nobody knows'),
  })
  const json = { 'content-type': 'application/json' }
  const owner = { ...json, ...bearer(good) }
  const post = async (path: string, body: unknown, more: Record<string, string> = {}) =>
    ask(path, {
      method: 'POST',
      headers: { ...owner, ...fields(), ...more },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const car = (more: object = {}) => ({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue', ...more })
  const endOf = async (answer: Response) => {
    expect(answer.status).toBe(202)
    const path = answer.headers.get('location')!
    await until(async () => {
      const task = (await (await ask(path, { headers: owner })).json()) as { status: string }
      return ['completed', 'failed'].includes(task.status)
    }, 20_000)
    return path
  }

  // Tasks that use all that a start can have, and end in each way.
  const trace = { trace: randomBytes(16).toString('hex'), span: randomBytes(8).toString('hex') }
  mark('trace of traceparent', trace.trace)
  mark('span of traceparent', trace.span)
  const built = await endOf(
    await post('/cars', car({ color: mark('member of the input'), callback_url: hook(0) }), {
      traceparent: `00-${trace.trace}-${trace.span}-01`,
      'x-request-id': mark('X-Request-Id'),
      'idempotency-key': mark('Idempotency-Key'),
      prefer: `x=${mark('Prefer')}`,
    }),
  )
  const refused = car({ brand: 'Leaky', make: 'refused', color: mark('message for callers of a handler') })
  await endOf(await post('/cars', { ...refused, callback_url: hook(1) }))
  expect((await post('/cars', car({ brand: 'Leaky', callback_url: hook(2) }))).status).toBe(202)

  // Requests that are refused, each with something in it that is nobody's business.
  const credentials = [
    `Bearer ${mark('bad key', `acc_${randomBytes(32).toString('base64url')}`)}`,
    `Bearer ${mark('bad token', await sign({ aud: 'others' }))}`,
    `Bearer ${mark('bad token', `${token.slice(0, -9)}AAAAAAAAA`)}`,
    `Basic ${mark('Basic', Buffer.from(`user:${mark('Basic')}`).toString('base64'))}`,
    mark('Authorization without a scheme'),
  ]
  for (const authorization of credentials) {
    expect((await ask(built, { headers: { ...fields(), authorization } })).status).toBe(401)
    await post('/cars', '{', { authorization })
  }
  expect((await ask(built, { headers: { authorization: `Bearer ${token}` } })).status).toBe(303)
  const refusals: [Promise<Response>, number][] = [
    [post('/cars', car({ password: mark('value of a member that is refused') })), 422],
    [post('/cars', car({ [mark('name of a member that is refused')]: 1 })), 422],
    [post('/cars', car({ model: mark('value out of form') })), 422],
    [post('/cars', `{"brand": ${mark('text that is no JSON')}`), 400],
    [post('/cars', '{}', { 'content-type': `text/${mark('Content-Type of a body that is refused')}` }), 415],
    [post('/cars', car({ callback_url: `https://u:${mark('user info of callback_url')}@host/` })), 422],
    [
      post(
        '/cars',
        car({ callback_url: `http://10.0.0.1/?${mark('query of a callback_url that is refused')}` }),
      ),
      422,
    ],
    [post('/cars', car(), { 'cancel-after': mark('Cancel-After out of form') }), 422],
    [post('/cars', car(), { 'callback-events': mark('Callback-Events out of form') }), 422],
    [post('/cars', car(), { 'max-queue': mark('Max-Queue out of form') }), 422],
    [post('/cars', car(), { 'idempotency-key': `${mark('Idempotency-Key out of form')}é`.repeat(9) }), 422],
    [ask(`/tasks?key=${mark('query')}`, { headers: owner }), 422],
    [ask(`${built}?key=${mark('query')}&token=${mark('query')}`, { headers: owner }), 303],
    [ask(`/${mark('path of nothing')}?key=${mark('query')}`, { headers: fields() }), 404],
    [ask(`/tasks/${mark('id out of form')}`, { headers: owner }), 404],
    [ask(`/tasks?cursor=${mark('cursor')}`, { headers: owner }), 422],
    [ask(`/metrics?key=${mark('query')}`, { method: 'PUT', headers: fields() }), 405],
    [ask('/tasks', { headers: { ...owner, accept: `text/${mark('Accept')}` } }), 406],
    [ask(built, { headers: { ...owner, 'x-request-id': `${mark('X-Request-Id out of form')} !` } }), 303],
    [ask(built, { headers: { ...owner, traceparent: mark('traceparent out of form') } }), 303],
    [ask(built, { headers: { ...owner, 'if-none-match': mark('If-None-Match') } }), 303],
  ]
  for (const [answer, status] of refusals) {
    const { status: seen, url: asked } = await answer
    expect(seen, asked).toBe(status)
  }
  answers.push(
    await raw(
      url,
      `GET / HTTP/1.1\r\nAuthorization: Bearer ${mark('not HTTP')}\r\n${mark('not HTTP')}\r\n\r\n`,
    ),
  )
  await until(async () => {
    const all = (await (await ask(`${built}/deliveries`, { headers: owner })).json()) as { status: string }[]
    return all[0]?.status === 'delivered' && receivers.every(({ requests }) => requests.length > 0)
  }, 20_000)
  for (const path of ['/tasks', '/operations', '/cars', '/endpoints']) await ask(path, { headers: owner })

  // Who acts by a token, from behind a proxy that is trusted.
  const proxied = startApp('api', {
    ...environment,
    REDIS_URL: redisUrl,
    KEY_PREFIX: prefix,
    PORT: '0',
    TRUST_PROXY: 'true',
    SHED_LOOP_DELAY_MS: '0',
  })
  const { url: behind } = await told(proxied)
  await until(async () => (await fetch(new URL('/readyz', behind as string))).ok)
  const subject = mark('sub of a token')
  const addresses = [
    mark('address in X-Forwarded-For, TRUST_PROXY', addressV6()),
    mark('text in X-Forwarded-For, TRUST_PROXY'),
  ]
  for (const address of addresses) {
    const started = await fetch(new URL('/cars', behind as string), {
      method: 'POST',
      headers: {
        ...json,
        ...fields(),
        authorization: `Bearer ${await sign({ sub: subject })}`,
        'x-forwarded-for': address,
      },
      body: JSON.stringify(car()),
    })
    answers.push(await started.text())
    expect(started.status).toBe(202)
  }
  const trail = await ask('/audit', { headers: { ...bearer(admin), ...fields() } })
  expect(await trail.text()).toContain(subject)
  const pages: [string, number][] = [
    ['/problems', 200],
    ['/problems/gone', 200],
    [`/problems/${mark('path of nothing')}`, 404],
    ['/docs', 200],
  ]
  for (const [path, status] of pages) {
    const page = await ask(`${path}?key=${mark('query of a page')}`, {
      headers: { ...fields(), accept: 'text/html' },
    })
    expect(page.status, path).toBe(status)
  }

  // A process that Redis refuses, with the right place and the wrong password.
  const wrong = mark('wrong password of REDIS_URL')
  const stranger = startApp('api', {
    ...environment,
    REDIS_URL: redisUrl.replace(password, wrong),
    PORT: '0',
  })
  await told(stranger)
  await until(async () => stranger.log.some(({ msg }) => msg === 'Redis is away'))
  const faulty = startApp('api', {
    ...environment,
    REDIS_URL: `redsi://:${wrong}@127.0.0.1`,
    SECRETS_KEY: wrong,
  })
  await expect(told(faulty)).rejects.toThrow(/ended with 78/)

  const scripts = new Scripts(redis, prefix, null)
  const secrets = await new TenantSecrets(scripts, new Sealer([Buffer.from(secretsKey, 'base64')])).of(
    'north',
  )
  mark('secret of callbacks', secrets[0]!.secret)
  mark('secret of callbacks', secrets[0]!.secret.replace('whsec_', ''))
  const figures = await (await fetch(new URL('/metrics', url), { headers: bearer(ops) })).text()
  expect(figures).toContain('accepted_tasks_created_total{operation="car.build"} 5')
  const commands = ['keys list', 'limits list', 'audit list', 'audit list --tenant north', 'secrets list']
  const operator = { ...environment, REDIS_URL: redisUrl, KEY_PREFIX: prefix }
  const printed = await Promise.all(
    commands.flatMap((line) => [line, `${line} --json`]).map((line) => accepted(line, operator)),
  )
  expect(printed.join('')).toContain(subject)
  // What was thrown is logged with the attempt.
  await until(async () => workers[0]!.log.filter(({ msg }) => msg === 'attempt failed').length >= 1)

  const written = (processes: typeof workers) =>
    processes.map(({ log, stderr }) => JSON.stringify(log) + stderr()).join('\n')
  const places: Record<Place, string> = {
    'the API’s log': written([api, proxied, stranger, faulty]),
    'the worker’s log': written(workers),
    answers: answers.join('\n'),
    Redis: await everythingIn(redis),
    callbacks: receivers.flatMap(({ requests }) => requests).join('\n'),
    metrics: figures,
    'the command line': printed.join('\n'),
  }
  const seen: Record<string, string[]> = {}
  for (const [what, marks] of sent) {
    const found = Object.entries(places).filter(([, text]) => marks.some((each) => text.includes(each)))
    if (found.length > 0) seen[what] = found.map(([place]) => place)
  }
  expect(seen).toEqual(MAY_APPEAR)
  expect([...sent.values()].flat().length).toBeGreaterThan(200)
}, 180_000)

/** An IPv6 address of documentation, as it is written in its short form. */
function addressV6(): string {
  const groups = randomBytes(6).toString('hex').match(/.{4}/g)!
  return `2001:db8:1:1:1:${groups.map((group) => `f${group.slice(1)}`).join(':')}`
}

/** What a command line prints, its errors too. @throws {Error} if it does not exit with 0 */
async function accepted(line: string, environment: Record<string, string>): Promise<string> {
  const main = fileURLToPath(new URL('../apps/cli/src/main.ts', import.meta.url))
  const env = { PATH: process.env.PATH, ...environment }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...line.split(' ')], { env })
  return `${stdout}${stderr}`
}

/** Sends bytes and reads what comes until the connection is closed. */
async function raw(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.on('data', (part) => {
    text += part
  })
  socket.write(request)
  await once(socket, 'close')
  return text
}
