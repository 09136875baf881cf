import type { AddressInfo } from 'node:net'
import type { Scope } from '@accepted/contract'
import { until } from '@accepted/core/testing'
import { fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { OPEN } from '../auth/access.ts'
import { rawConnections } from '../testing/raw-connection.ts'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'
import { auth } from './auth.ts'
import { problems } from './problems.ts'

const ALL: Scope[] = ['tasks:read', 'tasks:write']
const UNKNOWN = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'

/** An API that asks for keys, and what makes them. */
async function lockedApp() {
  const test = await testApp({ AUTH: 'keys' })
  const create = (scopes: Scope[] = ALL, tenant = 'north', lifetimeMs = 0) =>
    test.keys.create({ tenant, scopes, lifetimeMs })
  const as = ({ key }: { key: string }) => ({ authorization: `Bearer ${key}` })
  return { ...test, create, as }
}

test('who has no key, or none that is good, is told so before anything else is looked at', async () => {
  const { ask, create } = await lockedApp()
  const bare = await ask(post('/cars', '{', { accept: 'application/pdf' }))
  expectProblem(bare, 401, 'unauthenticated')
  expect(bare.headers['www-authenticate']).toBe('Bearer realm="accepted"')
  const { key } = await create()
  const { key: late } = await create(ALL, 'north', 1)
  const strange = `acc_${Buffer.alloc(32, 7).toString('base64url')}`
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    key,
    `Basic ${key}`,
    `Bearer ${key}x`,
    `Bearer ${key.slice(0, -1)}`,
    `Bearer ${key},Bearer ${key}`,
    `Bearer ${strange}`,
    `Bearer ${late}`,
    'Bearer ey.ey.ey',
  ]) {
    const answer = await ask({ url: '/tasks', headers: { authorization } })
    expectProblem(answer, 401, 'unauthenticated')
    expect(answer.headers['www-authenticate']).toMatch(
      /^Bearer realm="accepted", error="invalid_token", error_description="[^"\\]+"$/,
    )
    expect(JSON.stringify([answer.headers, answer.body])).not.toContain(key.slice(4, -1))
  }
  const expired = await ask({ url: '/tasks', headers: { authorization: `Bearer ${late}` } })
  expect(expired.json().detail).toBe('The key has expired.')
  for (const authorization of [`Bearer ${key}`, `bearer  ${key} `]) {
    expect((await ask({ url: '/tasks', headers: { authorization } })).statusCode).toBe(200)
  }
  expect((await ask({ method: 'HEAD', url: '/tasks' })).statusCode).toBe(401)
})

test('a key allows what its scopes name, and tasks are its tenant’s', async () => {
  const { ask, create, as } = await lockedApp()
  const [full, reader, writer, builder] = await Promise.all([
    create(),
    create(['tasks:read']),
    create(['tasks:write']),
    create(['operation:car.build']),
  ])
  const start = (key: { key: string }) => ask(post('/cars', MUSTANG, as(key)))
  const { task_id } = (await start(full)).json()
  for (const key of [full, reader]) {
    expect((await ask({ url: `/tasks/${task_id}`, headers: as(key) })).statusCode).toBe(202)
  }
  expect((await start(writer)).statusCode).toBe(202)
  expect((await start(builder)).statusCode).toBe(202)
  const refused = await start(reader)
  expectProblem(refused, 403, 'forbidden', { detail: 'This takes a key with the scope tasks:write.' })
  expect(refused.headers['www-authenticate']).toBe(
    'Bearer realm="accepted", error="insufficient_scope", scope="tasks:write"',
  )
  for (const [key, request] of [
    [writer, { url: `/tasks/${task_id}` }],
    [builder, { url: `/tasks/${task_id}` }],
    [builder, post('/orders/reports', { start_date: '2021-01-01', end_date: '2021-02-01' })],
    [builder, post(`/tasks/${task_id}/cancel`, '')],
    [reader, { method: 'DELETE' as const, url: `/tasks/${task_id}` }],
  ] as const) {
    const { headers = {}, ...rest } = request as { headers?: object; url: string }
    expectProblem(await ask({ ...rest, headers: { ...headers, ...as(key) } }), 403, 'forbidden')
  }
  const other = await create(ALL, 'south')
  expectProblem(await ask({ url: `/tasks/${task_id}`, headers: as(other) }), 404, 'not_found')
})

test('what answers at once takes a key that reads, and one that starts where it becomes a task', async () => {
  const { ask, create, as } = await lockedApp()
  const [reader, writer, own] = await Promise.all([
    create(['tasks:read']),
    create(['tasks:write']),
    create(['operation:car.read']),
  ])
  const read = (key: { key: string }, headers = {}) =>
    ask({ url: `/cars/${UNKNOWN}`, headers: { ...as(key), ...headers } })
  const async = { prefer: 'respond-async' }
  expectProblem(await read(reader), 404, 'not_found')
  expectProblem(await read(own), 404, 'not_found')
  expectProblem(await read(writer), 403, 'forbidden')
  expect((await read(writer, async)).statusCode).toBe(202)
  expect((await read(own, async)).statusCode).toBe(202)
  expectProblem(await read(reader, async), 403, 'forbidden')
})

// That it takes 2 s at most is shown in core/src/keys, on a clock of the test's.
test('a key that does not hold any more once the body is there is refused: nothing is begun', async () => {
  const { app, ask, create, as, keys, redis, prefix } = await lockedApp()
  const connect = await rawConnections(app)
  const key = await create()
  const head = (path: string, type: string, length: number) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key.key}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`
  const car = JSON.stringify(MUSTANG)
  const order = JSON.stringify({
    order_id: 'A-1',
    ordered_at: '2021-10-03T10:00:00Z',
    customer: 'Zoë',
    currency: 'EUR',
    items: [{ sku: 'X1', description: 'Lamp', quantity: 2, unit_price: '9.50' }],
  })
  const slow = await Promise.all(
    (
      [
        ['/cars', 'application/json', car],
        ['/orders', 'application/x-ndjson', order],
      ] as const
    ).map(async ([path, type, body]) => {
      const { send, answers, soFar } = await connect()
      send(head(path, type, Buffer.byteLength(body)))
      await until(async () => soFar()[0]?.status === 100)
      return async () => {
        send(Buffer.from(body))
        return (await answers())[1]!
      }
    }),
  )
  await keys.revoke(key.keyId)
  await until(async () => (await ask({ url: '/tasks', headers: as(key) })).statusCode === 401)
  for (const finish of slow) {
    const answer = await finish()
    expect([answer.status, JSON.parse(String(answer.body)).code]).toEqual([401, 'unauthenticated'])
  }
  expect((await redis.keys(`${prefix}:*`)).filter((name) => /open:|orders/.test(name))).toEqual([])
})

test('a key that is revoked is refused, and what it holds open ends', async () => {
  const { app, ask, create, as, keys } = await lockedApp()
  const [key, other] = [await create(), await create()]
  const { task_id } = (await ask(post('/cars', MUSTANG, as(key)))).json()
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const open = async (held: typeof key, path: string, headers = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { ...as(held), ...headers } })
    return { answer, ended: answer.text() }
  }
  const stream = await open(key, `/tasks/${task_id}/events`)
  const wait = open(key, `/tasks/${task_id}`, { prefer: 'wait=60' })
  const neighbour = await open(other, `/tasks/${task_id}/events`)
  await keys.revoke(key.keyId)
  await until(async () => (await ask({ url: '/tasks', headers: as(key) })).statusCode === 401)
  await stream.ended
  expect((await wait).answer.status).toBe(202)
  expect(await Promise.race([neighbour.ended, Promise.resolve('goes on')])).toBe('goes on')
  expect((await ask({ url: '/tasks', headers: as(other) })).statusCode).toBe(200)
})

test('a stream ends when its key expires', async () => {
  const { app, ask, create, as } = await lockedApp()
  const { task_id } = (await ask(post('/cars', MUSTANG, as(await create())))).json()
  const brief = await create(ALL, 'north', 1_000)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const stream = await fetch(`http://127.0.0.1:${port}/tasks/${task_id}/events`, { headers: as(brief) })
  expect(stream.status).toBe(200)
  expect(await stream.text()).toContain('event: update')
  expectProblem(await ask({ url: '/tasks', headers: as(brief) }), 401, 'unauthenticated')
})

test('while Redis is away nobody is told that their key is not good', async () => {
  const { ask } = await testApp({ AUTH: 'keys', REDIS_URL: 'redis://127.0.0.1:1' })
  const authorization = `Bearer acc_${'a'.repeat(43)}`
  for (const url of ['/tasks', `/tasks/${UNKNOWN}`, '/cars']) {
    const answer = await ask({ url, headers: { authorization } })
    expectProblem(answer, 503, 'store_unavailable')
    expect(answer.headers['retry-after']).toBe('1')
  }
  expectProblem(await ask('/tasks'), 401, 'unauthenticated')
  expect((await ask('/healthz')).statusCode).toBe(200)
})

test('with AUTH=none nobody is asked, and the description says so', async () => {
  const { ask } = await testApp()
  for (const headers of [{}, { authorization: 'Bearer whatever' }]) {
    expect((await ask({ url: '/tasks', headers })).statusCode).toBe(200)
  }
  const document = (await ask('/openapi.json')).json()
  expect(document.components.securitySchemes).toBeUndefined()
  expect(document.paths['/tasks'].get.security).toBeUndefined()
  expect(document.paths['/tasks'].get.responses['401']).toBeUndefined()
})

test('a route that does not say who may use it keeps the app from starting', async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  await app.register(problems, { publicUrl: () => 'http://accepted.test' })
  await app.register(auth, { authenticate: undefined, security: [], quota: undefined })
  app.get('/open', { config: { access: OPEN } }, async () => 'open')
  app.post('/stray', async () => 'stray')
  await expect(app.ready().then(() => undefined)).rejects.toThrow(
    'these routes do not say who may use them (config.access): POST /stray',
  )
})
