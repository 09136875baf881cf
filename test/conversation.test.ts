import { setTimeout as pause } from 'node:timers/promises'
import { until } from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { type Stack, startStack } from './stack.ts'

const MUSTANG = { brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }
const JSON_BODY = { 'content-type': 'application/json' }

/** Polls as a client does that obeys `Location` and `Retry-After`; resolves to the answer that is not 202. */
async function poll(ask: Stack['ask'], location: string): Promise<Response> {
  while (true) {
    const answer = await ask(location)
    if (answer.status !== 202) return answer
    await answer.body?.cancel()
    await pause(Number(answer.headers.get('retry-after')) * 1000)
  }
}

test('a car: submit, poll as told, follow to the car', async () => {
  const { ask, api, workers } = await startStack()
  const started = await ask(`/cars`, {
    method: 'POST',
    headers: {
      ...JSON_BODY,
      'x-request-id': 'order-7',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
    body: JSON.stringify(MUSTANG),
  })
  expect(started.status).toBe(202)
  const ended = await poll(ask, started.headers.get('location')!)
  expect(ended.status).toBe(303)
  const task = (await ended.json()) as { task_id: string; result: { car_id: string } }
  expect(task).toMatchObject({
    status: 'completed',
    progress: 100,
    eta: 0,
    workflow: { stamp: 'finished', weld: 'finished', paint: 'finished' },
    result: MUSTANG,
    resource: `/cars/${task.result.car_id}`,
  })
  const car = await ask(ended.headers.get('location')!)
  expect(await car.json()).toEqual(task.result)
  expect(await (await ask(`/cars`)).json()).toEqual([task.result])

  // The ids lead from the request to the last step.
  const accepted = await until(async () => api.log.find(({ msg }) => msg === 'task accepted'))
  expect(accepted).toMatchObject({
    reqId: 'order-7',
    task: task.task_id,
    trace: '0af7651916cd43dd8448eb211c80319c',
  })
  for (const msg of ['attempt started', 'step finished', 'task ended']) {
    await expect
      .poll(() => workers[0]!.log.find((line) => line.msg === msg))
      .toMatchObject({
        request: 'order-7',
        task: task.task_id,
        attempt: 1,
        trace: '0af7651916cd43dd8448eb211c80319c',
      })
  }
})

test('a car that is read as a task gives the car as its result', async () => {
  const { ask } = await startStack()
  const started = await ask(`/cars`, {
    method: 'POST',
    headers: JSON_BODY,
    body: JSON.stringify(MUSTANG),
  })
  const { result } = (await (await poll(ask, started.headers.get('location')!)).json()) as {
    result: { car_id: string }
  }
  const asked = await ask(`/cars/${result.car_id}`, { headers: { prefer: 'respond-async' } })
  expect(asked.status).toBe(202)
  expect(asked.headers.get('preference-applied')).toBe('respond-async')
  const read = await poll(ask, asked.headers.get('location')!)
  expect(read.status).toBe(200)
  expect(await read.json()).toMatchObject({
    operation: 'car.read',
    status: 'completed',
    result,
    resource: null,
  })
  const none = await ask(`/cars/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b`, {
    headers: { prefer: 'respond-async' },
  })
  const failed = await poll(ask, none.headers.get('location')!)
  expect(failed.status).toBe(200)
  expect(await failed.json()).toMatchObject({
    status: 'failed',
    reason: 'permanent_error',
    error: { code: 'not_found' },
  })
})

test('a report: orders in, PDF out', async () => {
  const { ask } = await startStack()
  const orders = Array.from({ length: 1_200 }, (_, n) => ({
    order_id: `A-${n}`,
    ordered_at: new Date(Date.UTC(2021, 9, 1) + n * 3_600_000).toISOString(),
    customer: n % 2 ? 'Zoë' : '山田太郎',
    currency: 'EUR',
    items: [{ sku: 'X1', description: 'Lamp', quantity: 2, unit_price: '9.50' }],
  }))
  const put = await ask(`/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: orders.map((order) => JSON.stringify(order)).join('\n'),
  })
  expect(await put.json()).toEqual({ orders: 1_200 })
  const body = JSON.stringify({ start_date: '2021-10-03', end_date: '2021-10-10' })
  const started = await ask(`/orders/reports`, { method: 'POST', headers: JSON_BODY, body })
  const ended = await poll(ask, started.headers.get('location')!)
  expect(ended.status).toBe(303)
  expect(await ended.json()).toMatchObject({
    workflow: { search: 'finished', typeset: 'finished', publish: 'finished' },
    result: { orders: 7 * 24 },
  })
  const report = await ask(ended.headers.get('location')!)
  expect(report.headers.get('content-type')).toBe('application/pdf')
  const bytes = Buffer.from(await report.arrayBuffer())
  expect(bytes.length).toBe(Number(report.headers.get('content-length')))
  expect(bytes.subarray(0, 5).toString()).toBe('%PDF-')
  expect(bytes.subarray(-6).toString()).toContain('%%EOF')
})

test('a report of a range without orders is a PDF too', async () => {
  const { ask } = await startStack()
  const body = JSON.stringify({ start_date: '2021-10-03', end_date: '2021-10-10' })
  const started = await ask(`/orders/reports`, { method: 'POST', headers: JSON_BODY, body })
  const ended = await poll(ask, started.headers.get('location')!)
  expect(await ended.json()).toMatchObject({ status: 'completed', result: { orders: 0 } })
  expect((await ask(ended.headers.get('location')!)).status).toBe(200)
})

test('a report larger than may be kept fails with a clear code', async () => {
  const { ask } = await startStack({ environment: { REPORT_MAX_BYTES: '1024' } })
  const body = JSON.stringify({ start_date: '2021-10-03', end_date: '2021-10-10' })
  const started = await ask(`/orders/reports`, { method: 'POST', headers: JSON_BODY, body })
  const ended = await poll(ask, started.headers.get('location')!)
  expect(await ended.json()).toMatchObject({
    status: 'failed',
    reason: 'permanent_error',
    error: { code: 'report_too_large' },
  })
})

test('an ended task expires: 410 with how it ended; its resource lives on', async () => {
  const { ask } = await startStack({ environment: { RETENTION_SECONDS: '2' } })
  const start = () =>
    ask(`/cars`, {
      method: 'POST',
      headers: { ...JSON_BODY, 'idempotency-key': 'k' },
      body: JSON.stringify(MUSTANG),
    })
  const started = await start()
  const location = started.headers.get('location')!
  let answer = await poll(ask, location)
  expect(answer.headers.get('sunset')).toMatch(/GMT$/)
  while (answer.status !== 410) answer = await ask(location)
  const problem = (await answer.json()) as { resource: string }
  expect(problem).toMatchObject({
    code: 'gone',
    task_status: 'completed',
    reason: null,
    finished_at: expect.any(String),
  })
  expect((await ask(problem.resource)).status).toBe(200)
  expect((await ask(location, { method: 'DELETE' })).status).toBe(410)
  expect((await start()).status).toBe(410)
})

test('a deleted task answers 410, and deleting it again too', async () => {
  const { ask } = await startStack()
  const started = await ask(`/cars`, {
    method: 'POST',
    headers: JSON_BODY,
    body: JSON.stringify(MUSTANG),
  })
  const location = started.headers.get('location')!
  await poll(ask, location)
  expect((await ask(location, { method: 'DELETE' })).status).toBe(204)
  for (const method of ['GET', 'DELETE']) {
    const gone = await ask(location, { method })
    expect(gone.status).toBe(410)
    expect(await gone.json()).toMatchObject({ task_status: 'completed' })
  }
  expect(await (await ask(`/tasks`)).json()).toEqual([])
})

test('the hints come from what the lane really does', async () => {
  const { ask } = await startStack({ environment: { CAR_STEP_MS: '700', WORKER_CONCURRENCY: '1' } })
  const start = () => ask(`/cars`, { method: 'POST', headers: JSON_BODY, body: JSON.stringify(MUSTANG) })
  await poll(ask, (await start()).headers.get('location')!)
  await pause(600) // The estimate is half a second behind at most.
  const answers = [await start(), await start(), await start(), await start()]
  const hints = answers.map(({ headers }) => Number(headers.get('retry-after')))
  expect(hints[0]).toBeLessThanOrEqual(3)
  expect(hints).toEqual([...hints].sort((a, b) => a - b))
  expect(hints[3]).toBeGreaterThanOrEqual(5)
  const documents = (await Promise.all(answers.map((answer) => answer.json()))) as {
    eta: number
    queue_position: number
  }[]
  expect(documents[3]).toMatchObject({ eta: expect.any(Number), queue_position: expect.any(Number) })
})
