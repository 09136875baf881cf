import { reportStore, resourceSpace } from '@accepted/operations'
import { expect, test } from 'vitest'
import { expectProblem, post } from '../testing/requests.ts'
import { testApp } from '../testing/test-app.ts'

const order = (n: number, changes = {}) => ({
  order_id: `A-${n}`,
  ordered_at: new Date(Date.UTC(2021, 9, 3) + n * 1000).toISOString(),
  customer: 'Zoë',
  currency: 'EUR',
  items: [{ sku: 'X1', description: 'Lamp', quantity: 2, unit_price: '9.50' }],
  ...changes,
})
const json = (payload: unknown) => ({
  method: 'POST' as const,
  url: '/orders',
  headers: { 'content-type': 'application/json' },
  payload: JSON.stringify(payload),
})
const lines = (payload: string) => ({
  method: 'POST' as const,
  url: '/orders',
  headers: { 'content-type': 'application/x-ndjson' },
  payload,
})
const ndjson = (orders: unknown[]) => lines(orders.map((each) => JSON.stringify(each)).join('\n'))

test('one order is kept, and sent again it is replaced', async () => {
  const { ask, redis, prefix } = await testApp()
  expect((await ask(json(order(1)))).json()).toEqual({ orders: 1 })
  expect((await ask(json(order(1, { customer: 'Ana' })))).statusCode).toBe(201)
  const kept = await redis.hvals(`${prefix}:{of-default}:orders`)
  expect(kept.map((text) => JSON.parse(text).customer)).toEqual(['Ana'])
})

test('ten thousand orders come in at once, empty lines passed over', async () => {
  const { ask, redis, prefix } = await testApp()
  const many = Array.from({ length: 10_000 }, (_, n) => JSON.stringify(order(n)))
  const answer = await ask(lines(`\n${many.join('\r\n')}\n\n`))
  expect(answer.json()).toEqual({ orders: 10_000 })
  expect(await redis.zcard(`${prefix}:{of-default}:orders:time`)).toBe(10_000)
})

test('all or none: faults are named by their lines, and nothing is kept', async () => {
  const { ask, redis, prefix } = await testApp()
  const body = [
    JSON.stringify(order(1)),
    '{"order_id":',
    JSON.stringify(order(3, { ordered_at: '2021-02-30T10:00:00Z' })),
    '',
    JSON.stringify(
      order(5, { items: [{ sku: 'X', description: '', quantity: 0, unit_price: '1e3', note: 1 }] }),
    ),
  ].join('\n')
  const answer = await ask(lines(body))
  expect(answer.statusCode).toBe(422)
  expect(answer.json()).toMatchObject({ code: 'invalid_input' })
  expect(answer.json().errors).toEqual(
    expect.arrayContaining([
      { line: 2, pointer: '#', detail: expect.stringContaining('not JSON') },
      { line: 3, pointer: '#/ordered_at', detail: 'is not a valid date-time' },
      { line: 5, pointer: '#/items/0/quantity', detail: 'must be >= 1' },
      { line: 5, pointer: '#/items/0/unit_price', detail: expect.stringContaining('pattern') },
      { line: 5, pointer: '#/items/0/note', detail: 'is not a known member' },
    ]),
  )
  expect(await redis.keys(`${prefix}:*`)).toEqual([])
})

test('no body at all, and a time that does not exist, are refused; nothing is kept', async () => {
  const { ask, redis, prefix } = await testApp()
  expect((await ask({ method: 'POST', url: '/orders' })).json()).toMatchObject({ status: 422 })
  expect((await ask(json(order(1, { ordered_at: '1998-12-31T23:59:60Z' })))).json()).toMatchObject({
    status: 422,
  })
  expect(await redis.keys(`${prefix}:*`)).toEqual([])
})

test('one line too many, no line at all, and too many bytes are refused', async () => {
  const { ask, redis, prefix } = await testApp()
  const tooMany = await ask(ndjson(Array.from({ length: 10_001 }, (_, n) => order(n))))
  expect(tooMany.json()).toMatchObject({ status: 422, errors: [{ line: 10_001 }] })
  expect((await ask(lines('\n\n'))).json()).toMatchObject({ status: 422 })
  const blank = await ask(lines('\n'.repeat(16_000_000)))
  expect(blank.json()).toMatchObject({ status: 422, errors: [{ line: 20_001 }] })
  expect((await ask(lines('x'.repeat(16 * 1024 * 1024 + 1)))).json()).toMatchObject({
    status: 413,
    code: 'too_large',
    detail: 'The body may have 16777216 bytes here.',
  })
  expect(await redis.keys(`${prefix}:*`)).toEqual([])
})

test('a report is served whole, by ranges, and not again to who has it', async () => {
  const { ask, redis, prefix } = await testApp()
  const reports = reportStore(resourceSpace(redis, prefix, 'default'))
  const bytes = Buffer.alloc(600_000, 'abcdefghij')
  const reportId = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
  async function* parts() {
    for (let from = 0; from < bytes.length; from += 70_000) yield bytes.subarray(from, from + 70_000)
  }
  const sizeBytes = await reports.write(reportId, parts(), 1_000_000)
  const url = `/orders/reports/${reportId}`
  expect((await ask(url)).statusCode).toBe(404)
  await reports.publish(
    { reportId, sizeBytes, fileName: 'orders.pdf', createdAt: new Date().toISOString() },
    60,
  )

  const whole = await ask(url)
  expect(whole.headers).toMatchObject({
    'content-type': 'application/pdf',
    'content-length': '600000',
    'content-disposition': 'attachment; filename="orders.pdf"',
    'accept-ranges': 'bytes',
  })
  expect(whole.rawPayload.equals(bytes)).toBe(true)

  const across = await ask({ url, headers: { range: 'bytes=262140-262150' } })
  expect(across.statusCode).toBe(206)
  expect(across.headers['content-range']).toBe('bytes 262140-262150/600000')
  expect(across.rawPayload.equals(bytes.subarray(262_140, 262_151))).toBe(true)

  const outside = await ask({ url, headers: { range: 'bytes=600000-' } })
  expect(outside.statusCode).toBe(416)
  expect(outside.headers['content-range']).toBe('bytes */600000')

  const etag = String(whole.headers.etag)
  expect((await ask({ url, headers: { 'if-none-match': etag } })).statusCode).toBe(304)
  expect((await ask({ url, headers: { range: 'bytes=0-1', 'if-range': '"other"' } })).statusCode).toBe(200)
  const head = await ask({ method: 'HEAD', url })
  expect(head.headers['content-length']).toBe('600000')
  expect(head.body).toBe('')
})

test('a report that is too large leaves nothing behind', async () => {
  const { redis, prefix } = await testApp()
  const reports = reportStore(resourceSpace(redis, prefix, 'default'))
  async function* endless() {
    while (true) yield Buffer.alloc(100_000)
  }
  await expect(reports.write('r', endless(), 1_000_000)).rejects.toMatchObject({ name: 'ReportTooLarge' })
  expect(await redis.keys(`${prefix}:*`)).toEqual([])
})

test.each(['application/vnd.orders+json', 'application/problem+json; charset=utf-8', 'application/ld+json'])(
  'orders of the type %s, for which there is no schema, are refused with 415: they would not be checked',
  async (type) => {
    const { ask } = await testApp()
    expectProblem(
      await ask(post('/orders', { anything: true }, { 'content-type': type })),
      415,
      'unsupported_media_type',
    )
    const cased = { 'content-type': 'Application/JSON; charset=UTF-8' }
    expect((await ask(post('/orders', { anything: true }, cased))).statusCode).toBe(422)
  },
)
