import { connect, type Socket } from 'node:net'
import { until } from '@accepted/core/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { handWorker } from '../testing/hand-worker.ts'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

const BROKEN = '{"brand":'

/** An API whose lane of cars is full, and is known to be. */
async function fullLane() {
  const api = await testApp({ MAX_BACKLOG: '3' })
  const worker = handWorker(api.redis, api.prefix)
  const waiting = await Promise.all(Array.from({ length: 3 }, () => api.ask(post('/cars', MUSTANG))))
  expect(new Set(waiting.map(({ statusCode }) => statusCode))).toEqual(new Set([202]))
  const refuse = async () => expectProblem(await api.ask(post('/cars', MUSTANG)), 503, 'backlog_full')
  await refuse()
  return { ...api, worker, refuse }
}

test('a start for a lane that is known to be full is refused before its body is looked at', async () => {
  const { ask, refuse } = await fullLane()
  await refuse()
  // A body that is not JSON, one of another type, and input that is at fault: nobody has looked.
  expectProblem(await ask(post('/cars', BROKEN)), 503, 'backlog_full')
  const text = {
    method: 'POST',
    url: '/cars',
    headers: { 'content-type': 'text/plain' },
    payload: 'x',
  } as const
  expectProblem(await ask(text), 503, 'backlog_full')
  const refused = await ask(post('/cars', {}))
  expectProblem(refused, 503, 'backlog_full', { detail: '3 tasks are waiting.' })
  // Nobody works: it is the longest wait, less up to a tenth.
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(540)
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(600)
})

test('a flood of starts for a full lane costs Redis a look now and then, not one a request', async () => {
  const { ask, redis } = await fullLane()
  const commands = vi.spyOn(redis, 'sendCommand')
  const began = performance.now()
  for (let n = 0; n < 400; n += 1) expect((await ask(post('/cars', MUSTANG))).statusCode).toBe(503)
  // Eight looks a second, and here and there a start that went the whole way, since this machine stood still for 250 ms.
  const most = 20 + ((performance.now() - began) / 1000) * 12
  expect(commands.mock.calls.length).toBeLessThan(most)
})

test('other lanes, reads, what exists under an Idempotency-Key and what answers at once are not touched', async () => {
  const { ask } = await testApp({ MAX_BACKLOG: '1' })
  expect((await ask(post('/cars', MUSTANG, { 'idempotency-key': 'mine' }))).statusCode).toBe(202)
  expectProblem(await ask(post('/cars', MUSTANG)), 503, 'backlog_full')
  expectProblem(await ask(post('/cars', MUSTANG)), 503, 'backlog_full')
  const again = await ask(post('/cars', MUSTANG, { 'idempotency-key': 'mine' }))
  expect(again.statusCode).toBe(202)
  expectProblem(await ask(post('/cars', MUSTANG, { 'idempotency-key': 'another' })), 503, 'backlog_full')
  expect((await ask('/tasks')).json()).toHaveLength(1)
  expect((await ask(String(again.headers.location))).statusCode).toBe(202)
  const range = { start_date: '2021-10-01', end_date: '2021-10-02' }
  expect((await ask(post('/orders/reports', range))).statusCode).toBe(202)
  const carId = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
  const async = { url: `/cars/${carId}`, headers: { prefer: 'respond-async' } }
  expect((await ask(async)).statusCode).toBe(202)
  expectProblem(await ask(async), 503, 'backlog_full')
  expectProblem(await ask(async), 503, 'backlog_full')
  expectProblem(await ask(`/cars/${carId}`), 404, 'not_found')
})

test('who has no key, or one that does not start, is told that and not how the lane is', async () => {
  const { ask, keys } = await testApp({ MAX_BACKLOG: '1', AUTH: 'keys' })
  const as = async (...scopes: Parameters<typeof keys.create>[0]['scopes']) => {
    const { key } = await keys.create({ tenant: 'default', scopes })
    return { authorization: `Bearer ${key}` }
  }
  const starts = await as('tasks:write')
  const reads = await as('tasks:read')
  expect((await ask(post('/cars', MUSTANG, starts))).statusCode).toBe(202)
  for (let n = 0; n < 2; n += 1) {
    expectProblem(await ask(post('/cars', MUSTANG, starts)), 503, 'backlog_full')
    expectProblem(await ask(post('/cars', MUSTANG)), 401, 'unauthenticated')
    expectProblem(await ask(post('/cars', MUSTANG, reads)), 403, 'forbidden')
  }
})

test('who waits as Retry-After says finds room', async () => {
  const { ask, redis, prefix } = await testApp({ MAX_BACKLOG: '10' })
  const worker = handWorker(redis, prefix)
  await worker.beat(2)
  await Promise.all(Array.from({ length: 10 }, () => ask(post('/cars', MUSTANG))))
  // Five tasks leave, one every 2 s, and five others come.
  for (let n = 0; n < 5; n += 1) {
    await worker.claim()
    await worker.passTime(2_000)
    expect((await ask(post('/cars', MUSTANG, { 'idempotency-key': `filler-${n}` }))).statusCode).toBe(202)
  }
  // Refused by the store, so by what has drained until now.
  const refused = await ask(post('/cars', MUSTANG, { 'idempotency-key': 'waits' }))
  expectProblem(refused, 503, 'backlog_full')
  const retryAfter = Number(refused.headers['retry-after'])
  expect(retryAfter).toBeGreaterThanOrEqual(2)
  expect(retryAfter).toBeLessThanOrEqual(4)
  // So much time goes by, in which the lane drains on as before.
  for (let ms = 2_000; ms <= retryAfter * 1000; ms += 2_000) {
    await worker.passTime(2_000)
    await worker.claim()
  }
  expect((await ask(post('/cars', MUSTANG, { 'idempotency-key': 'waits' }))).statusCode).toBe(202)
})

test('room that comes is found, though the lane was known to be full', async () => {
  const { ask, worker, refuse } = await fullLane()
  await worker.claim()
  await until(async () => (await ask(post('/cars', MUSTANG))).statusCode === 202)
  await refuse()
})

test('of a hundred at once with Max-Queue: 5 six are let in, who had at most five before them', async () => {
  const { ask } = await testApp()
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => ask(post('/cars', MUSTANG, { 'max-queue': '5' }))),
  )
  expect(answers.filter(({ statusCode }) => statusCode === 202)).toHaveLength(6)
  for (const refused of answers.filter(({ statusCode }) => statusCode !== 202)) {
    expectProblem(refused, 503, 'backlog_full', { detail: '6 tasks are waiting.' })
  }
  expect((await ask('/tasks')).json()).toHaveLength(6)
  // The queue is not too long for everybody.
  expect((await ask(post('/cars', MUSTANG))).statusCode).toBe(202)
  expect((await ask(post('/cars', MUSTANG, { 'max-queue': '7' }))).statusCode).toBe(202)
})

test('Retry-After of a queue that is too long is when it is short enough', async () => {
  const { ask, redis, prefix } = await testApp()
  const worker = handWorker(redis, prefix)
  await worker.beat(2)
  await Promise.all(Array.from({ length: 40 }, () => ask(post('/cars', MUSTANG))))
  for (let n = 0; n < 10; n += 1) {
    await worker.claim()
    await worker.passTime(3_000)
  }
  const toldFor = async (maxQueue: number) => {
    const refused = await ask(post('/cars', MUSTANG, { 'max-queue': String(maxQueue) }))
    expectProblem(refused, 503, 'backlog_full', { detail: '30 tasks are waiting.' })
    return Number(refused.headers['retry-after'])
  }
  // 3 s a task, and a fifth more; behind those who were told before.
  const near = await toldFor(29)
  expect(near).toBeGreaterThanOrEqual(3)
  expect(near).toBeLessThanOrEqual(5)
  const far = await toldFor(0)
  expect(far).toBeGreaterThanOrEqual(90)
  expect(far).toBeLessThanOrEqual(125)
})

test('refusals that a client asked for by its Max-Queue are counted apart: they are no fault of the service', async () => {
  const { ask } = await testApp({ MAX_BACKLOG: '2' })
  const start = async (fields: Record<string, string>) =>
    (await ask(post('/cars', MUSTANG, { 'idempotency-key': `${Math.random()}`, ...fields }))).statusCode
  const counted = async () => /^http_max_queue_refusals_total (\d+)$/m.exec((await ask('/metrics')).body)![1]
  expect([await start({}), await start({ 'max-queue': '0' }), await counted()]).toEqual([202, 503, '1'])
  expect([await start({}), await start({ 'max-queue': '0' }), await counted()]).toEqual([202, 503, '1'])
})

test('Max-Queue belongs to what an Idempotency-Key binds', async () => {
  const { ask } = await testApp()
  const start = (maxQueue: string) =>
    ask(post('/cars', MUSTANG, { 'idempotency-key': 'one', 'max-queue': maxQueue }))
  expect((await start('5')).statusCode).toBe(202)
  expect((await start('5')).statusCode).toBe(202)
  expectProblem(await start('6'), 422, 'idempotency_conflict')
})

/** A connection to an API that listens, and what came on it so far. */
async function connection(app: Awaited<ReturnType<typeof testApp>>['app']) {
  const url = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const socket: Socket = connect(Number(url.port), url.hostname)
  onTestFinished(() => void socket.destroy())
  const seen = { text: '', ended: false, error: undefined as Error | undefined }
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => {
    seen.text += chunk
  })
  socket.on('end', () => {
    seen.ended = true
  })
  socket.on('error', (error) => {
    seen.error = error
  })
  return { socket, seen, has: (text: string) => until(async () => seen.text.includes(text)) }
}

const HEAD = 'POST /cars HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const NEXT = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'

test('who sends a large body that nobody reads gets the answer, and goes on on the same connection', async () => {
  const { app, refuse } = await fullLane()
  const { socket, seen, has } = await connection(app)
  await refuse()
  const bytes = 900_000
  socket.write(`${HEAD}Content-Length: ${bytes}\r\n\r\n`)
  await has('"code":"backlog_full"')
  expect(seen.text).toMatch(/^HTTP\/1\.1 503 .*\r\n/)
  expect(seen.text.toLowerCase()).toContain('connection: keep-alive')
  socket.write('x'.repeat(bytes))
  socket.write(NEXT)
  await has('{"status":"ok"}')
  expect(seen).toMatchObject({ ended: false, error: undefined })
})

test('a body in chunks is passed over too', async () => {
  const { app, refuse } = await fullLane()
  const { socket, seen, has } = await connection(app)
  await refuse()
  socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
  await has('"code":"backlog_full"')
  for (let n = 0; n < 10; n += 1) socket.write(`1000\r\n${'x'.repeat(0x1000)}\r\n`)
  socket.write(`0\r\n\r\n${NEXT}`)
  await has('{"status":"ok"}')
  expect(seen).toMatchObject({ ended: false, error: undefined })
})

test('who asks first whether to send its body is told no, and the connection ends in order', async () => {
  const { app, refuse } = await fullLane()
  const { socket, seen } = await connection(app)
  await refuse()
  socket.write(`${HEAD}Expect: 100-continue\r\nContent-Length: 900000\r\n\r\n`)
  await until(async () => seen.ended)
  expect(seen.text).toMatch(/^HTTP\/1\.1 503 /)
  expect(seen.text).toContain('"code":"backlog_full"')
  expect(seen.text.toLowerCase()).toContain('connection: close')
  expect(seen.text).not.toContain('100 Continue')
  expect(seen.error).toBeUndefined()
})

test('who asks first is told to go on where its body is read', async () => {
  const { app } = await testApp()
  const { socket, seen, has } = await connection(app)
  const body = JSON.stringify(MUSTANG)
  socket.write(`${HEAD}Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`)
  await has('HTTP/1.1 100 Continue\r\n\r\n')
  socket.write(body)
  await has('HTTP/1.1 202 Accepted')
  socket.write(NEXT)
  await has('{"status":"ok"}')
  expect(seen).toMatchObject({ ended: false, error: undefined })
})
