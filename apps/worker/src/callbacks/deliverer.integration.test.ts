import { randomBytes } from 'node:crypto'
import {
  type Callback,
  CallbackSigner,
  type Delivery,
  InstallationKeys,
  Sealer,
  StoreUnavailable,
  TenantSecrets,
} from '@accepted/core'
import { calledBack, createdId, terms, testStore, until } from '@accepted/core/testing'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { Deliverer, type DelivererDependencies } from './deliverer.ts'
import { PROMISED_SCHEDULE } from './schedule.ts'
import { type Receiver, respond, startReceiver } from './testing/receiver.ts'
import { sending } from './testing/sending.ts'

/** A deliverer, and tasks that end with a callback to a receiver. */
async function scene(changes: Partial<DelivererDependencies> = {}) {
  const store = testStore()
  const sealer = new Sealer([randomBytes(32)])
  const secrets = new TenantSecrets(store.scripts, sealer)
  const { agent, expectNothingLeft } = await sending()
  const deliverer = new Deliverer({
    outbox: store.outbox,
    signer: new CallbackSigner(secrets, new InstallationKeys(store.scripts, sealer)),
    agent,
    schedule: PROMISED_SCHEDULE,
    timeoutMs: 2_000,
    userAgent: 'Accepted/1.2.3',
    now: () => store.scripts.clock.now(),
    log: store.log,
    random: () => 0,
    ...changes,
  })
  const endTask = async ({ port }: Receiver, callback: Partial<Callback> = {}, result = '{"sum":1}') => {
    const url = `http://127.0.0.1:${port}/hook?token=1`
    const taskId = createdId(await store.submissions.create(calledBack({ url, ...callback })))
    await store.work.end((await store.work.claim(0, 'test'))!, {
      ...{ status: 'completed', reason: null, result, resource: '/things/1', error: null },
    })
    return taskId
  }
  const deliveriesOf = async (taskId: string): Promise<Delivery[]> => {
    const found = await store.deliveries.of('default', taskId)
    if (found.outcome !== 'task') throw new Error(found.outcome)
    return found.deliveries
  }
  return { ...store, secrets, agent, deliverer, endTask, deliveriesOf, expectNothingLeft }
}

/** Parts of a request as it came. */
function partsOf(request: string) {
  const [head, ...body] = Buffer.from(request, 'latin1').toString().split('\r\n\r\n')
  const lines = head!
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(': ') as [string, string])
  return { headers: Object.fromEntries(lines) as Record<string, string>, body: body.join('\r\n\r\n') }
}

test('a callback tells of the task, signed, with links that lead from anywhere', async () => {
  const { secrets, deliverer, endTask, deliveriesOf } = await scene()
  const receiver = await startReceiver(respond('204 No Content'))
  const taskId = await endTask(receiver)
  expect(await deliverer.deliverNext(0)).toBe(true)
  expect(await deliverer.deliverNext(0)).toBe(false)
  const [delivery] = await deliveriesOf(taskId)
  expect(delivery).toMatchObject({ status: 'delivered', attempts: [{ httpStatus: 204, error: null }] })

  const { headers, body } = partsOf(receiver.requests[0]!)
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': 'Accepted/1.2.3',
    'webhook-id': `dlv_${delivery!.deliveryId}`,
    'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
    traceparent: expect.stringMatching(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    ),
  })
  expect(Object.keys(headers)).not.toContain('authorization')
  const [current] = await secrets.of('default')
  const message = new Webhook(current!.secret).verify(body, headers) as Record<string, unknown>
  expect(message).toMatchObject({
    type: 'task.completed',
    status: 'COMPLETED',
    links: [{ rel: 'task', href: `http://api.example/tasks/${taskId}` }],
    data: { task_id: taskId, status: 'completed', result: { sum: 1 }, eta: 0, version: 3 },
  })
  const data = message.data as { links: { href: string }[]; updated_at: string }
  expect(message.timestamp).toBe(data.updated_at)
  expect(data).not.toHaveProperty('request')
  expect(data.links.every(({ href }) => href.startsWith('http://api.example/'))).toBe(true)
})

test('every attempt has the same id and body, and a timestamp of its own', async () => {
  let nowMs = 1_763_678_400_000
  const { deliverer, endTask, deliveriesOf, upkeep } = await scene({
    schedule: { delaysMs: [1], jitter: 0 },
    now: () => {
      nowMs += 10_000
      return nowMs
    },
  })
  let status = '500 Oops'
  const receiver = await startReceiver((socket) => respond(status)(socket))
  const taskId = await endTask(receiver)
  await deliverer.deliverNext(0)
  expect((await deliveriesOf(taskId))[0]).toMatchObject({
    status: 'pending',
    attempts: [{ httpStatus: 500, error: 'the receiver answered 500' }],
  })
  status = '200 OK'
  await until(async () => {
    await upkeep.tick(0, [], terms())
    return deliverer.deliverNext(0)
  })
  expect((await deliveriesOf(taskId))[0]).toMatchObject({ status: 'delivered', attempts: [{}, {}] })
  const [first, second] = receiver.requests.map(partsOf)
  expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id'])
  expect([first, second].map((sent) => sent!.headers['webhook-timestamp'])).toEqual([
    '1763678410',
    '1763678420',
  ])
  expect(second!.headers.traceparent).not.toBe(first!.headers.traceparent)
  expect(second!.body).toBe(first!.body)
})

test('a connection that breaks at once is tried a second time at once, then by the schedule', async () => {
  const { deliverer, endTask, deliveriesOf, expectNothingLeft } = await scene()
  const receiver = await startReceiver((socket) => socket.resetAndDestroy())
  const taskId = await endTask(receiver)
  await deliverer.deliverNext(0)
  const [delivery] = await deliveriesOf(taskId)
  expect(receiver.requests).toHaveLength(2)
  expect(delivery!.attempts).toHaveLength(2)
  expect(delivery).toMatchObject({
    status: 'pending',
    attempts: [{ httpStatus: null }, { httpStatus: null }],
  })
  expect(delivery!.nextAttemptMs! - delivery!.attempts[1]!.atMs).toBeGreaterThanOrEqual(4_999)
  await expectNothingLeft(receiver)
})

test('410 is the end of it', async () => {
  const { deliverer, endTask, deliveriesOf } = await scene()
  const receiver = await startReceiver(respond('410 Gone'))
  const taskId = await endTask(receiver)
  await deliverer.deliverNext(0)
  expect((await deliveriesOf(taskId))[0]).toMatchObject({ status: 'failed', nextAttemptMs: null })
})

test('Retry-After is obeyed, for an hour at most', async () => {
  const { deliverer, endTask, deliveriesOf, scripts } = await scene()
  const receiver = await startReceiver(respond('429 Too Many', 'retry-after: 900\r\n'))
  const hour = await startReceiver(respond('503 Later', 'retry-after: 1000000000\r\n'))
  const [one, two] = [await endTask(receiver), await endTask(hour)]
  await deliverer.deliverNext(0)
  await deliverer.deliverNext(0)
  const waitOf = async (taskId: string) =>
    (await deliveriesOf(taskId))[0]!.nextAttemptMs! - scripts.clock.now()
  expect(await waitOf(one)).toBeLessThanOrEqual(900_000)
  expect(await waitOf(one)).toBeGreaterThan(890_000)
  expect(await waitOf(two)).toBeGreaterThan(3_590_000)
  expect(await waitOf(two)).toBeLessThanOrEqual(3_600_000)
})

test('a long result is left out, and a link tells where it is', async () => {
  const { deliverer, endTask } = await scene()
  const receiver = await startReceiver(respond('200 OK'))
  const taskId = await endTask(receiver, {}, JSON.stringify('ü'.repeat(9_900)))
  await deliverer.deliverNext(0)
  const { body } = partsOf(receiver.requests[0]!)
  expect(Buffer.byteLength(body)).toBeLessThan(20_000)
  expect(JSON.parse(body)).toMatchObject({
    links: [{ rel: 'task' }, { rel: 'result', href: `http://api.example/tasks/${taskId}` }],
    data: { result: null },
  })
})

test('a worker that stops gives up its attempt, and the delivery is as it was', async () => {
  const { deliverer, endTask, deliveriesOf, expectNothingLeft } = await scene()
  const receiver = await startReceiver(() => undefined)
  const taskId = await endTask(receiver)
  const delivering = deliverer.deliverNext(0)
  await expect.poll(() => receiver.requests.length).toBe(1)
  expect(deliverer.idle).toBe(false)
  deliverer.stop()
  await delivering
  expect(deliverer.idle).toBe(true)
  expect((await deliveriesOf(taskId))[0]).toMatchObject({ status: 'pending', attempts: [] })
  await expectNothingLeft(receiver)
})

test.each([
  ['for want of a key for a minute', undefined, 60_000],
  ['since the store is away for a second', new StoreUnavailable('away'), 1_000],
])('what cannot be signed waits, %s, and no attempt is used up', async (_, fault, waitsMs) => {
  const signer = fault && ({ sign: () => Promise.reject(fault) } as unknown as CallbackSigner)
  const { deliverer, endTask, deliveriesOf, scripts } = await scene({ signer })
  const receiver = await startReceiver(respond('200 OK'))
  const taskId = await endTask(receiver)
  expect(await deliverer.deliverNext(0)).toBe(true)
  expect(receiver.accepted).toBe(0)
  const [delivery] = await deliveriesOf(taskId)
  expect(delivery).toMatchObject({ status: 'pending', attempts: [] })
  const waits = delivery!.nextAttemptMs! - scripts.clock.now()
  expect(waits).toBeGreaterThan(waitsMs / 2)
  expect(waits).toBeLessThanOrEqual(waitsMs)
})
