import type { DeliveryAttempt, HeldDelivery, Verdict } from '@accepted/core'
import { describe, expect, test } from 'vitest'
import { handWorker } from '../testing/hand-worker.ts'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

const UNKNOWN = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
const AT = '2026-11-21T10:00:04.530Z'

function attempt(changes: Partial<DeliveryAttempt> = {}): DeliveryAttempt {
  return { atMs: Date.parse(AT), httpStatus: 500, error: 'it answered 500', durationMs: 12, ...changes }
}
const RETRY: Verdict = { follows: 'retry', delayMs: 5_000, attempt: attempt(), health: 'ill' }
const FAILED: Verdict = {
  follows: 'failed',
  attempt: attempt({ httpStatus: null, error: 'it did not answer in time' }),
  health: 'ill',
}
const DELIVERED: Verdict = {
  follows: 'delivered',
  attempt: attempt({ httpStatus: 204, error: null }),
  health: 'well',
}

/** An API, cars that are built by hand, and their deliveries, which are tried by hand. */
async function scene() {
  const { ask, redis, prefix } = await testApp()
  const worker = handWorker(redis, prefix)
  return {
    ask,
    redis,
    shard: `${prefix}:{0}:`,
    worker,
    /** Builds a car; resolves to its task's id. */
    async built(url = 'https://shop.example/hook?token=s3cret'): Promise<string> {
      const { task_id: id } = (await ask(post('/cars', { ...MUSTANG, callback_url: url }))).json()
      await worker.complete(await worker.claim())
      return id
    },
    async taken(): Promise<HeldDelivery> {
      const held = await worker.outbox.take(0)
      if (!held) throw new Error('no delivery is to be tried')
      return held
    },
    async deliveriesOf(taskId: string) {
      const answer = await ask(`/tasks/${taskId}/deliveries`)
      expect(answer.statusCode).toBe(200)
      return answer.json()
    },
  }
}

describe('the deliveries of a task', () => {
  test('are the last 1,000', async () => {
    const { redis, shard, built, taken, deliveriesOf } = await scene()
    const taskId = await built()
    const { deliveryId } = await taken()
    const list = `${shard}dlvs:${taskId}`
    expect(await redis.rpush(list, ...Array(1_200).fill(deliveryId))).toBe(1_201)
    expect(await deliveriesOf(taskId)).toHaveLength(1_000)
  })

  test('are told with every attempt, and without the query of their URL', async () => {
    const { ask, worker, built, taken } = await scene()
    const taskId = await built()
    const held = await taken()
    await worker.outbox.settle(held, RETRY)
    const answer = await ask(`/tasks/${taskId}/deliveries`)
    expect(answer.headers['cache-control']).toBe('private, no-cache')
    expect(answer.json()).toEqual([
      {
        delivery_id: `dlv_${held.deliveryId}`,
        event: 'completed',
        url: 'https://shop.example/hook',
        status: 'pending',
        next_attempt_at: expect.stringMatching(/Z$/),
        attempts: [{ at: AT, http_status: 500, error: 'it answered 500', duration_ms: 12 }],
      },
    ])
    const head = await ask({ method: 'HEAD', url: `/tasks/${taskId}/deliveries` })
    expect([head.statusCode, head.body]).toEqual([200, ''])
  })

  test('are told when they are over, too', async () => {
    const { worker, built, taken, deliveriesOf } = await scene()
    const [delivered, failed] = [await built(), await built()]
    await worker.outbox.settle(await taken(), DELIVERED)
    await worker.outbox.settle(await taken(), FAILED)
    expect(await deliveriesOf(delivered)).toMatchObject([
      { status: 'delivered', next_attempt_at: null, attempts: [{ http_status: 204, error: null }] },
    ])
    expect(await deliveriesOf(failed)).toMatchObject([
      { status: 'failed', next_attempt_at: null, attempts: [{ http_status: null }] },
    ])
  })

  test('are none if it has no callback, or nothing has happened yet', async () => {
    const { ask, deliveriesOf } = await scene()
    for (const body of [MUSTANG, { ...MUSTANG, callback_url: 'https://shop.example/' }]) {
      const { task_id: id } = (await ask(post('/cars', body))).json()
      expect(await deliveriesOf(id)).toEqual([])
    }
  })

  test('are answered 404 and 410 as their task is', async () => {
    const { ask, worker, built, taken } = await scene()
    expectProblem(await ask(`/tasks/${UNKNOWN}/deliveries`), 404, 'not_found')
    expectProblem(await ask('/tasks/none/deliveries'), 404, 'not_found')
    const taskId = await built()
    const { deliveryId } = await taken()
    await ask({ method: 'DELETE', url: `/tasks/${taskId}` })
    expectProblem(await ask(`/tasks/${taskId}/deliveries`), 410, 'gone', { task_status: 'completed' })
    const url = `/tasks/${taskId}/deliveries/dlv_${deliveryId}/redeliver`
    expectProblem(await ask({ method: 'POST', url }), 410, 'gone')
    expect(await worker.outbox.take(0)).toBeNull()
  })

  test('are only read here', async () => {
    const { ask } = await scene()
    const deleted = await ask({ method: 'DELETE', url: `/tasks/${UNKNOWN}/deliveries` })
    expectProblem(deleted, 405, 'method_not_allowed')
    expect(deleted.headers.allow).toBe('GET, HEAD')
    expect((await ask({ method: 'POST', url: '/endpoints' })).headers.allow).toBe('GET, HEAD')
    const read = await ask(`/tasks/${UNKNOWN}/deliveries/dlv_${UNKNOWN}/redeliver`)
    expect(read.headers.allow).toBe('POST')
  })
})

describe('a delivery', () => {
  test.each([
    ['delivered', DELIVERED],
    ['failed', FAILED],
    ['due later', RETRY],
  ])('that is %s is tried again when it is asked for', async (_how, verdict) => {
    const { ask, worker, built, taken, deliveriesOf } = await scene()
    const taskId = await built()
    const { deliveryId, ...held } = await taken()
    await worker.outbox.settle({ deliveryId, ...held }, verdict)
    const url = `/tasks/${taskId}/deliveries/dlv_${deliveryId}/redeliver`
    const answer = await ask({ method: 'POST', url })
    expect(answer.statusCode).toBe(202)
    expect(answer.json()).toMatchObject({
      delivery_id: `dlv_${deliveryId}`,
      status: 'pending',
      next_attempt_at: null,
      attempts: { length: 1 },
    })
    expect(await deliveriesOf(taskId)).toEqual([answer.json()])
    expect(await taken()).toMatchObject({ deliveryId, tries: 1, stage: 0 })
  })

  test('that the task does not have is unknown', async () => {
    const { ask, worker, built, taken } = await scene()
    const [one, other] = [await built(), await built()]
    const { deliveryId } = await taken()
    for (const path of [
      `${other}/deliveries/dlv_${deliveryId}`,
      `${one}/deliveries/dlv_${UNKNOWN}`,
      `${one}/deliveries/${deliveryId}`,
      `${one}/deliveries/dlv_none`,
      `${UNKNOWN}/deliveries/dlv_${deliveryId}`,
    ])
      expectProblem(await ask({ method: 'POST', url: `/tasks/${path}/redeliver` }), 404, 'not_found')
    expect((await worker.outbox.take(0))?.deliveryId).not.toBe(deliveryId)
  })
})

test('receivers are told by their origins, the last used first, with how they fare', async () => {
  const { ask, worker, built, taken } = await scene()
  expect((await ask('/endpoints')).json()).toEqual([])
  for (let n = 0; n < 7; n += 1) await built('http://dead.example:8080/hook')
  for (let n = 0; n < 6; n += 1) {
    const held = await worker.outbox.take(0)
    if (held) await worker.outbox.settle(held, FAILED)
  }
  await built('https://shop.example/hook')
  await worker.outbox.settle(await taken(), DELIVERED)
  const answer = await ask('/endpoints')
  expect(answer.headers['cache-control']).toBe('private, no-cache')
  expect(answer.json()).toEqual([
    {
      endpoint: 'https://shop.example',
      success_rate: 1,
      last_error: null,
      breaker: 'closed',
      next_probe_at: null,
      backlog: 0,
      waiting: 0,
      running: 0,
    },
    {
      endpoint: 'http://dead.example:8080',
      success_rate: 0,
      last_error: { at: expect.stringMatching(/Z$/), error: 'it did not answer in time' },
      breaker: 'open',
      next_probe_at: expect.stringMatching(/Z$/),
      backlog: 2,
      waiting: 2,
      running: 0,
    },
  ])
})

describe('a recovery', () => {
  const PERIOD = { since: '2026-11-21T09:00:00+01:00', until: '2026-11-21T10:00:00Z', status: 'failed' }

  test('is a task', async () => {
    const { ask } = await testApp()
    const answer = await ask(post('/deliveries/redeliver', { ...PERIOD, endpoint: 'https://shop.example' }))
    expect(answer.statusCode).toBe(202)
    expect(answer.json()).toMatchObject({
      operation: 'callbacks.redeliver',
      status: 'pending',
      callback_url: null,
    })
    expect((await ask('/tasks?operation=callbacks.redeliver')).json()).toHaveLength(1)
  })

  test.each([
    [{ since: undefined }, '#/since'],
    [{ until: undefined }, '#/until'],
    [{ status: undefined }, '#/status'],
    [{ status: 'delivered' }, '#/status'],
    [{ since: '2026-11-21' }, '#/since'],
    [{ since: 'yesterday' }, '#/since'],
    [{ until: 1_763_678_400 }, '#/until'],
    [{ until: '2026-11-21T08:00:00.000Z' }, '#/until'],
    [{ until: '2026-11-21T07:59:59Z' }, '#/until'],
    [{ endpoint: 'shop.example' }, '#/endpoint'],
    [{ endpoint: 'ftp://shop.example' }, '#/endpoint'],
    [{ endpoint: 'https://shop.example/hook' }, '#/endpoint'],
    [{ endpoint: 'https://shop.example?' }, '#/endpoint'],
    [{ endpoint: 'https://user@shop.example' }, '#/endpoint'],
    [{ endpoint: 'https://shop.example.' }, '#/endpoint'],
    [{ endpoint: 'https://' }, '#/endpoint'],
    [{ endpoint: null }, '#/endpoint'],
    [{ tenant: 'other' }, '#/tenant'],
  ])('with %j is refused with 422 at %s', async (change, pointer) => {
    const { ask, redis, prefix } = await testApp()
    const answer = await ask(post('/deliveries/redeliver', { ...PERIOD, ...change }))
    expectProblem(answer, 422, 'invalid_input', { errors: [{ pointer, detail: expect.any(String) }] })
    expect(await redis.keys(`${prefix}:*`)).toEqual([])
  })
})
