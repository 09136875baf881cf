import { isOpenToAll, type OpenapiDocument } from '@accepted/api/testing'
import { connectForWork, createLog, newId, Scripts, Sealer, TenantSecrets } from '@accepted/core'
import { until } from '@accepted/core/testing'
import { respond, startReceiver } from '@accepted/worker/callbacks/testing/receiver'
import { expect, inject, onTestFinished, test } from 'vitest'
import { bearer, keysOf } from './keys.ts'
import { type Stack, startStack } from './stack.ts'

/** What is open to all, by the contract. `/metrics` is so on a loopback address only. */
const OPEN = [
  'GET /.well-known/jwks.json',
  'GET /healthz',
  'GET /metrics',
  'GET /openapi.json',
  'GET /problems',
  'GET /problems/{code}',
  'GET /readyz',
]
/** What a key that only reads may do. */
const READING = [
  'GET /cars',
  'GET /cars/{car_id}',
  'GET /cars/{car_id}/reservations/{reservation_id}',
  'GET /endpoints',
  'GET /operations',
  'GET /operations/{task_id}',
  'GET /orders/reports/{report_id}',
  'GET /tasks',
  'GET /tasks/{task_id}',
  'GET /tasks/{task_id}/deliveries',
  'GET /tasks/{task_id}/events',
]
/** What takes the scope `admin`, and no other. */
const ADMIN = ['GET /audit']
const MUSTANG = { brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }
const ORDER = {
  order_id: 'A-1',
  ordered_at: '2021-10-03T10:00:00Z',
  customer: 'Zoë',
  currency: 'EUR',
  items: [{ sku: 'X1', description: 'Lamp', quantity: 2, unit_price: '9.50' }],
}
/** A body that a route takes; those that are not here need none. */
const BODIES: Record<string, unknown> = {
  'POST /cars': MUSTANG,
  'POST /cars/{car_id}/reservations': {},
  'POST /orders': ORDER,
  'POST /orders/reports': { start_date: '2021-10-01', end_date: '2021-11-01' },
  'POST /deliveries/redeliver': {
    since: '2020-01-01T00:00:00Z',
    until: '2020-01-02T00:00:00Z',
    status: 'failed',
  },
}

interface Operation {
  name: string
  method: string
  path: string
  isOpen: boolean
}

type Ids = Record<string, string>
type Headers = Record<string, string>
interface Task {
  task_id: string
  status: string
  reason: string | null
  error: object | null
  result: Record<string, unknown> | null
  resource: string | null
}

async function lockedStack(environment = {}) {
  const stack = await startStack({ environment: { AUTH: 'keys', ...environment } })
  const document = (await (await stack.ask('/openapi.json')).json()) as OpenapiDocument
  return { ...stack, keys: keysOf(stack), operations: operationsOf(document) }
}

function operationsOf({ paths }: OpenapiDocument): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        isOpen: isOpenToAll(operation),
      }
    }),
  )
}

/** Asks an operation for what the ids name; a stream is left after its head. */
async function call(
  { ask }: Pick<Stack, 'ask'>,
  { name, method, path }: Operation,
  headers: Headers,
  ids: Ids,
) {
  const place = path.replace(/\{(\w+)\}/g, (_, member: string) => {
    const id = ids[member]
    if (!id)
      throw new Error(`${name}: give \`unknownIds\` a ${member}, and \`own\` one that is another tenant's`)
    return id
  })
  const body = BODIES[name]
  const answer = await ask(place, {
    method,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  if (answer.headers.get('content-type')?.startsWith('text/event-stream')) {
    await answer.body?.cancel()
    return { answer, text: '' }
  }
  return { answer, text: await answer.text() }
}

const unknownIds = (): Ids => ({
  task_id: newId(),
  car_id: newId(),
  reservation_id: newId(),
  report_id: newId(),
  delivery_id: `dlv_${newId()}`,
  code: 'gone',
})

async function post({ ask }: Pick<Stack, 'ask'>, path: string, body: unknown, headers: Headers) {
  return ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** A task once it rests: ended, or waiting for its client. */
async function rested({ ask }: Pick<Stack, 'ask'>, taskId: string, headers: Headers): Promise<Task> {
  return until(async () => {
    const task = (await (await ask(`/tasks/${taskId}`, { headers })).json()) as Task
    return !['pending', 'running', 'canceling'].includes(task.status) && task
  }, 20_000)
}

async function started(
  stack: Pick<Stack, 'ask'>,
  path: string,
  body: unknown,
  headers: Headers,
): Promise<Task> {
  const answer = await post(stack, path, body, headers)
  expect(answer.status).toBe(202)
  return rested(stack, ((await answer.json()) as Task).task_id, headers)
}

test('every route refuses who has no key, a wrong one, one that expired or was revoked, and one without its scope', async () => {
  const stack = await lockedStack()
  const { operations, keys } = stack
  const [full, reader, idle, revoked, late] = await Promise.all([
    keys.create('north'),
    keys.create('north', ['tasks:read']),
    keys.create('north', ['admin', 'operation:another.one']),
    keys.create('north'),
    keys.create('north', ['tasks:read', 'tasks:write'], 1),
  ])
  await keys.revoke(revoked.keyId)
  const refused: Headers[] = [
    {},
    { authorization: `Bearer acc_${'x'.repeat(43)}` },
    { authorization: 'Bearer acc_short' },
    { authorization: `Basic ${Buffer.from(`${full.key}:`).toString('base64')}` },
    bearer(late),
    bearer(revoked),
  ]
  const mayRead: string[] = []
  for (const operation of operations) {
    const { name, isOpen } = operation
    const statusAs = async (headers: Headers) =>
      (await call(stack, operation, headers, unknownIds())).answer.status
    if (isOpen) {
      expect(await statusAs({}), name).toBe(200)
      continue
    }
    for (const headers of refused) {
      const { answer, text } = await call(stack, operation, headers, unknownIds())
      expect([answer.status, JSON.parse(text).code], name).toEqual([401, 'unauthenticated'])
      expect(answer.headers.get('www-authenticate'), name).toMatch(/^Bearer realm="accepted"/)
    }
    const [usual, other] = ADMIN.includes(name) ? [idle, full] : [full, idle]
    expect(await statusAs(bearer(other)), name).toBe(403)
    if ((await statusAs(bearer(reader))) !== 403) mayRead.push(name)
    expect([401, 403], name).not.toContain(await statusAs(bearer(usual)))
  }
  const open = operations.filter(({ isOpen }) => isOpen).map(({ name }) => name)
  expect(open.sort()).toEqual(OPEN)
  expect(mayRead.sort()).toEqual(READING)
})

test('what is another tenant’s is as what does not exist: in every read, list, stream and act', async () => {
  const stack = await lockedStack({ CALLBACK_SCHEDULE: '1ms' })
  const { operations, keys, ask } = stack
  const [north, south] = [bearer(await keys.create('north')), bearer(await keys.create('south'))]
  const receiver = await startReceiver(respond('500 No'))
  const origin = `http://127.0.0.1:${receiver.port}`
  const called = { callback_url: `${origin}/`, callback_events: ['completed', 'awaiting_confirmation'] }

  // All that one tenant can have.
  const car = await started(stack, '/cars', { ...MUSTANG, ...called }, { ...north, 'idempotency-key': 'one' })
  const reservation = await started(stack, `${car.resource}/reservations`, called, north)
  expect(reservation.status).toBe('awaiting_confirmation')
  const held = await started(stack, '/cars', MUSTANG, north)
  const gone = await started(stack, '/cars', MUSTANG, north)
  expect((await ask(`/tasks/${gone.task_id}`, { method: 'DELETE', headers: north })).status).toBe(204)
  expect((await post(stack, '/orders', ORDER, north)).status).toBe(201)
  const report = await started(stack, '/orders/reports', BODIES['POST /orders/reports'], north)
  expect(report.result).toMatchObject({ orders: 1 })
  const deliveries = await until(async () => {
    const all = (await (await ask(`/tasks/${car.task_id}/deliveries`, { headers: north })).json()) as {
      delivery_id: string
      status: string
    }[]
    return all[0]?.status === 'failed' && all
  }, 20_000)
  const [delivery] = deliveries
  const own: Ids = {
    ...unknownIds(),
    task_id: car.task_id,
    car_id: car.resource!.split('/')[2]!,
    reservation_id: reservation.task_id,
    report_id: report.resource!.split('/')[3]!,
    delivery_id: delivery!.delivery_id,
  }
  const tasks = [car, reservation, held, gone, report].map(({ task_id }) => task_id)

  const walked = operations.filter(({ isOpen, path }) => !isOpen && path.includes('{'))
  expect(walked.length).toBeGreaterThanOrEqual(12)
  for (const operation of walked) {
    for (const task_id of operation.path.includes('{task_id}') ? tasks : [own.task_id!]) {
      const [seen, unseen] = [
        await call(stack, operation, south, { ...own, task_id }),
        await call(stack, operation, south, unknownIds()),
      ]
      const { name } = operation
      expect(seen.answer.status, name).toBe(unseen.answer.status)
      const namesOf = ({ answer }: typeof seen) =>
        [...answer.headers].filter(([field]) => !['x-request-id', 'date', 'keep-alive'].includes(field))
      if (seen.answer.status === 202) {
        // A start that may only fail, in the same way.
        const ends = await Promise.all(
          [seen, unseen].map(async ({ text }) => rested(stack, (JSON.parse(text) as Task).task_id, south)),
        )
        const [one, other] = ends.map(({ status, reason, error, result }) => ({
          status,
          reason,
          error,
          result,
        }))
        expect(one, name).toEqual(other)
        expect(one, name).toMatchObject({ status: 'failed' })
      } else {
        expect(seen.answer.status, `${name} (if it takes a body, it needs one in BODIES)`).toBe(404)
        expect(seen.text, name).toBe(unseen.text)
        expect(namesOf(seen), name).toEqual(namesOf(unseen))
      }
    }
  }
  const asTask = async (carId: string) => {
    const answer = await ask(`/cars/${carId}`, { headers: { ...south, prefer: 'respond-async, wait=20' } })
    const { status, error } = (await answer.json()) as Task
    // The message names the car that was asked for.
    return { status, error: JSON.stringify(error).replace(carId, 'CAR') }
  }
  expect(await asTask(own.car_id!)).toEqual(await asTask(newId()))

  // Nothing of it was changed, and to its own tenant all of it is there.
  for (const [path, status] of [
    [car.resource!, 200],
    [`${car.resource}/reservations/${own.reservation_id}`, 200],
    [report.resource!, 200],
    [`/tasks/${car.task_id}`, 303],
    [`/tasks/${reservation.task_id}`, 202],
    [`/tasks/${held.task_id}`, 303],
    [`/tasks/${gone.task_id}`, 410],
  ] as const) {
    expect((await ask(path, { headers: north })).status, path).toBe(status)
  }

  const listed = async (path: string, headers: Headers) => (await ask(path, { headers })).text()
  const [northAdmin, southAdmin] = [
    bearer(await keys.create('north', ['admin'])),
    bearer(await keys.create('south', ['admin'])),
  ]
  for (const task of tasks) {
    expect(await listed('/audit?limit=200', northAdmin)).toContain(task)
    expect(await listed('/audit?limit=200', southAdmin)).not.toContain(task)
    expect(await listed(`/audit?task_id=${task}`, southAdmin)).toBe('[]')
  }
  for (const [path, mark] of [
    ['/tasks?limit=200', car.task_id],
    ['/operations?limit=200', car.task_id],
    ['/cars', own.car_id!],
    ['/endpoints', origin],
  ] as const) {
    expect(await listed(path, north), path).toContain(mark)
    for (const id of [mark, ...tasks, own.report_id!]) {
      expect(await listed(path, south), path).not.toContain(id)
    }
  }

  // Idempotency keys, orders and failed deliveries are each tenant's own.
  const same = await post(
    stack,
    '/cars',
    { ...MUSTANG, color: 'Red' },
    { ...south, 'idempotency-key': 'one' },
  )
  expect(same.status).toBe(202)
  const empty = await started(stack, '/orders/reports', BODIES['POST /orders/reports'], south)
  expect(empty.result).toMatchObject({ orders: 0 })
  const recovered = await started(
    stack,
    '/deliveries/redeliver',
    { since: '2020-01-01T00:00:00Z', until: new Date().toISOString(), status: 'failed' },
    south,
  )
  expect(recovered.result).toEqual({ redelivered: 0 })
  const redis = connectForWork(inject('redisUrl'), createLog('test', 'silent'))
  onTestFinished(() => redis.disconnect())
  const secrets = new TenantSecrets(
    new Scripts(redis, stack.prefix, null),
    new Sealer([Buffer.from(stack.secretsKey, 'base64')]),
  )
  const [[ofNorth], [ofSouth]] = [await secrets.of('north'), await secrets.of('south')]
  expect(ofNorth!.secret).not.toBe(ofSouth!.secret)
})
