import { once } from 'node:events'
import { connect } from 'node:net'
import { checkedFetch, fetchDocument, responseChecker, valueChecker } from '@accepted/api/testing'
import { until } from '@accepted/core/testing'
import { respond, startReceiver } from '@accepted/worker/callbacks/testing/receiver'
import { expect, test } from 'vitest'
import { startStack } from './stack.ts'

const MUSTANG = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
const ORDER = {
  order_id: 'A-1',
  ordered_at: '2021-10-03T10:00:00Z',
  customer: 'Zoë',
  currency: 'EUR',
  items: [{ sku: 'X1', description: 'Lamp', quantity: 2, unit_price: '9.50' }],
}
const UNKNOWN = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'

async function json(response: Response): Promise<Record<string, string | null>> {
  return (await response.json()) as Record<string, string | null>
}

/** A stack, and requests whose answers are checked against its document. */
async function startChecked(...options: Parameters<typeof startStack>) {
  const { url, api } = await startStack(...options)
  const document = await fetchDocument(url)
  const ask = checkedFetch(document, url)
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    ask(path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
  /** Waits for the end of a task; resolves to its id. */
  const end = async (started: Response) => {
    const { task_id: taskId } = await json(started)
    await until(async () => (await json(await ask(`/tasks/${taskId}`))).finished_at !== null)
    return taskId
  }
  return { url, api, document, ask, post, end }
}

test('a task is as described in every style, from its start to its end', async () => {
  // Long enough for a busy machine to ask three times before the end.
  const { ask, post, end } = await startChecked({ environment: { CAR_STEP_MS: '700' } })
  for (const style of ['monitor', 'created', 'see-other', 'operation']) {
    const started = await post('/cars', MUSTANG, { prefer: `respond-async, task-style=${style}` })
    expect(started.status).toBe(202)
    const self = started.headers.get('location')!
    const open = await ask(self)
    expect([open.status, (await ask(self, { headers: { 'if-none-match': '*' } })).status]).toEqual([
      style === 'monitor' || style === 'created' ? 202 : 200,
      304,
    ])
    const operation = `/operations/${self.split(/[/?]/)[2]}`
    await until(async () => (await json(await ask(operation))).status === 'succeeded')
    const ended = await ask(self)
    expect(ended.status).toBe({ created: 201, operation: 200 }[style] ?? 303)
    expect((await ask(self, { headers: { prefer: 'task-style=see-other' } })).status).toBeLessThan(400)
    expect((await ask(operation, { method: 'HEAD' })).status).toBe(200)
    expect((await ask(operation, { headers: { 'if-none-match': '*' } })).status).toBe(304)
  }
  const read = await ask(`/cars/${UNKNOWN}`, { headers: { prefer: 'respond-async' } })
  const failed = await end(read)
  for (const path of [`/tasks/${failed}`, `/tasks/${failed}?style=created`, `/operations/${failed}`]) {
    expect((await ask(path)).status).toBe(200)
  }
  for (const list of ['/tasks', '/operations', '/cars']) {
    const page = await ask(`${list}?limit=1`)
    expect(page.status).toBe(200)
    const link = page.headers.get('link')?.match(/<(.*)>/)?.[1]
    const next = link ?? (await json(page)).nextLink
    expect(next).toContain('cursor=')
    expect((await ask(next!)).status).toBe(200)
    expect((await ask(list, { method: 'HEAD' })).status).toBe(200)
  }
})

test('cars, orders and reports are as described', async () => {
  const { ask, post, end } = await startChecked()
  const car = await ask(`/tasks/${await end(await post('/cars', MUSTANG))}`)
  expect((await ask(car.headers.get('location')!)).status).toBe(200)

  expect((await post('/orders', JSON.stringify(ORDER))).status).toBe(201)
  const lines = [ORDER, { ...ORDER, order_id: 'A-2' }].map((order) => JSON.stringify(order)).join('\n')
  expect((await post('/orders', lines, { 'content-type': 'application/x-ndjson' })).status).toBe(201)
  const wrong = await post('/orders', `${lines}\n{}`, { 'content-type': 'application/x-ndjson' })
  expect(wrong.status).toBe(422)

  const range = JSON.stringify({ start_date: '2021-10-01', end_date: '2021-11-01' })
  const report = await ask(`/tasks/${await end(await post('/orders/reports', range))}`)
  const path = report.headers.get('location')!
  const whole = await ask(path)
  expect(whole.status).toBe(200)
  const etag = whole.headers.get('etag')!
  for (const [headers, status] of [
    [{ range: 'bytes=0-9' }, 206],
    [{ range: 'bytes=99999999-' }, 416],
    [{ 'if-none-match': etag }, 304],
    [{ accept: 'text/html' }, 406],
  ] as const) {
    expect((await ask(path, { headers })).status).toBe(status)
  }
  expect((await ask(path, { method: 'HEAD' })).status).toBe(200)
})

test('what callbacks bring is as described', async () => {
  const { document, ask, post } = await startChecked({ environment: { CAR_STEP_MS: '600' } })
  const receiver = await startReceiver(respond('204 No Content'))
  const callback = {
    'callback-url': `http://127.0.0.1:${receiver.port}/`,
    'callback-events': 'started, progress, awaiting_confirmation, completed, failed, canceled',
  }
  const built = await json(await post('/cars', MUSTANG, { ...callback, prefer: 'wait=30' }))
  await post(`${built.resource}/reservations`, '{}', { ...callback, prefer: 'wait=10' })
  await ask(`/cars/${UNKNOWN}`, { headers: { ...callback, prefer: 'respond-async' } })
  const doomed = await json(await post('/cars', MUSTANG, callback))
  await ask(`/tasks/${doomed.task_id}/cancel`, { method: 'POST' })

  const { parameters, requestBody } = document.webhooks!.task!.post
  const { schema } = requestBody.content['application/json']!
  const faultsOf = valueChecker(document)
  const told = new Set<string>()
  await until(async () => {
    for (const request of receiver.requests.splice(0)) {
      const text = Buffer.from(request, 'latin1').toString()
      const [head, body] = text.split('\r\n\r\n') as [string, string]
      const fields = new Headers(
        head
          .split('\r\n')
          .slice(1)
          .map((line) => line.split(': ') as [string, string]),
      )
      for (const { name, schema: field } of parameters) expect(faultsOf(field, fields.get(name))).toEqual([])
      const message = JSON.parse(body)
      expect(faultsOf(schema, message)).toEqual([])
      told.add(message.type)
    }
    return told.size === 6
  }, 20_000)
})

test('a refusal is as described', async () => {
  const { ask, post, end } = await startChecked({ environment: { MAX_BACKLOG: '3' } })
  const refusals: [number, () => Promise<Response>][] = [
    [400, () => post('/cars', '{')],
    [400, () => post('/orders/reports', '')],
    [404, () => ask(`/tasks/${UNKNOWN}`)],
    [404, () => ask(`/operations/${UNKNOWN}`)],
    [404, () => ask(`/cars/${UNKNOWN}`)],
    [404, () => ask(`/orders/reports/${UNKNOWN}`)],
    [404, () => ask('/tasks/nonsense')],
    [404, () => ask('/operations/nonsense')],
    [404, () => ask('/no/such/path')],
    [405, () => ask('/cars', { method: 'PUT' })],
    [405, () => ask('/tasks', { method: 'DELETE' })],
    [405, () => ask('/operations', { method: 'POST' })],
    [405, () => ask('/healthz', { method: 'OPTIONS' })],
    [406, () => ask('/tasks', { headers: { accept: 'text/html' } })],
    [406, () => ask('/operations', { headers: { accept: 'text/html' } })],
    [406, () => ask('/problems', { headers: { accept: 'application/json' } })],
    [413, () => post('/cars', `"${'x'.repeat(1_000_001)}"`)],
    [415, () => post('/cars', MUSTANG, { 'content-type': 'text/plain' })],
    [415, () => ask(`/tasks/${UNKNOWN}`, { method: 'DELETE', body: 'x' })],
    [422, () => post('/cars', '{}')],
    [422, () => post('/cars', MUSTANG, { 'task-priority': '9' })],
    [422, () => post('/cars?style=none', MUSTANG)],
    [422, () => ask('/tasks?limit=0')],
    [422, () => ask('/tasks?cursor=none')],
    [422, () => ask('/operations?status=none')],
    [422, () => ask('/cars?cursor=none')],
    [503, () => post('/cars', MUSTANG, { 'max-queue': '0', 'task-priority': '7' })],
  ]
  for (const [status, refused] of refusals) {
    const { url, status: seen } = await refused()
    // Whether any task waits just now is a matter of luck.
    if (status === 503) expect([202, 503]).toContain(seen)
    else expect(seen, url).toBe(status)
  }

  const key = { 'idempotency-key': 'k' }
  const task = await end(await post('/cars', MUSTANG, key))
  expect((await post('/cars', MUSTANG, key)).status).toBe(202)
  expect((await post('/cars', MUSTANG.replace('Blue', 'Red'), key)).status).toBe(422)
  expect((await ask(`/tasks/${task}`, { method: 'DELETE' })).status).toBe(204)
  expect((await ask(`/tasks/${task}`)).status).toBe(410)
  expect((await ask(`/operations/${task}`)).status).toBe(410)
  expect((await post('/cars', MUSTANG, key)).status).toBe(410)
})

test('without workers and with a full backlog the answers are as described', async () => {
  const { ask, post } = await startChecked({ workers: 0, environment: { MAX_BACKLOG: '1' } })
  const [first, second] = [await post('/cars', MUSTANG), await post('/cars', MUSTANG)]
  expect([first.status, second.status]).toEqual([202, 503])
  expect((await ask(first.headers.get('location')!, { method: 'DELETE' })).status).toBe(409)
  expect((await ask('/readyz')).status).toBe(503)
  expect((await ask('/healthz')).status).toBe(200)
})

test('with Redis away the answers are as described', async () => {
  const { ask, post, document } = await startChecked({ workers: 0, redisUrl: 'redis://127.0.0.1:1' })
  const safe = ['/openapi.json', '/problems', '/problems/{code}', '/healthz', '/metrics']
  for (const path of Object.keys(document.paths).filter((path) => 'get' in document.paths[path]!)) {
    const { status } = await ask(path.replace('{code}', 'gone').replace(/\{\w+\}/g, UNKNOWN))
    expect(status, path).toBe(safe.includes(path) ? 200 : 503)
  }
  expect((await post('/cars', MUSTANG)).status).toBe(503)
  expect((await post('/orders', JSON.stringify(ORDER))).status).toBe(503)
  expect((await ask(`/tasks/${UNKNOWN}`, { method: 'DELETE' })).status).toBe(503)
})

test('what the HTTP parser refuses is as described', async () => {
  const { url, document } = await startChecked({ workers: 0 })
  const check = responseChecker(document)
  for (const [head, status] of [
    [`GET /tasks HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}`, 431],
    ['GET /tasks HTTP/1.1\r\nHost: localhost\r\nNo colon', 400],
  ] as const) {
    const answer = await exchange(url, `${head}\r\n\r\n`)
    expect(answer.status).toBe(status)
    check({ method: 'GET', path: '/tasks', ...answer })
  }
})

/** Sends raw bytes and reads the answer up to the end of the connection. */
async function exchange(url: string, request: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const parts: Buffer[] = []
  socket.on('data', (part) => parts.push(part))
  socket.write(request)
  await once(socket, 'close')
  const [head, body] = Buffer.concat(parts).toString().split('\r\n\r\n') as [string, string]
  const [line, ...fields] = head.split('\r\n') as [string, ...string[]]
  const headers = Object.fromEntries(fields.map((field) => field.split(/:\s*(.*)/, 2) as [string, string]))
  return { status: Number(line.split(' ')[1]), headers, body }
}
