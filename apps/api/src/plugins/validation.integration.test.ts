import { expect, test } from 'vitest'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

test('every fault of a body is named with its place, all at once', async () => {
  const { ask, redis, prefix } = await testApp()
  const answer = await ask(post('/cars', '{"brand":7,"make":"","model":1e999,"doors":4,"callback":null}'))
  expectProblem(answer, 422, 'invalid_input')
  expect(answer.json().errors).toEqual(
    expect.arrayContaining([
      { pointer: '#/color', detail: 'is required' },
      { pointer: '#/doors', detail: 'is not a known member' },
      { pointer: '#/brand', detail: 'must be string' },
      { pointer: '#/make', detail: expect.stringContaining('fewer than 1') },
      { pointer: '#/model', detail: 'must be integer' },
    ]),
  )
  expect(await redis.keys(`${prefix}:*`)).toEqual([])
})

test('a place is told as a URI fragment, whatever its name, and has an end', async () => {
  const { ask } = await testApp()
  const placesOf = async (members: object) => {
    const answer = await ask(post('/cars', { ...MUSTANG, ...members }))
    expectProblem(answer, 422, 'invalid_input')
    return answer.json().errors.map(({ pointer }: { pointer: string }) => pointer)
  }
  expect(await placesOf({ 'größe 100%#"\u0007': 1 })).toEqual(['#/gr%C3%B6%C3%9Fe%20100%25%23%22%07'])
  expect(await placesOf({ 'a/b~c': 1 })).toEqual(['#/a~1b~0c'])
  expect(await placesOf({ ['x'.repeat(199)]: 1 })).toEqual([`#/${'x'.repeat(199)}`])
  expect(await placesOf({ ['山'.repeat(100_000)]: 1 })).toEqual([`#/${encodeURI('山'.repeat(199))}%E2%80%A6`])
})

test('what a refusal repeats of a request has no control characters, and an end', async () => {
  const { ask } = await testApp()
  const broken = await ask(post('/cars', '{"brand":\u0007\u001b[31m}'))
  expectProblem(broken, 400, 'malformed_json', { detail: expect.stringContaining('\ufffd') })
  const name = `\u001b${'x'.repeat(5_000)}`
  const strange = await ask(post(`/cars?${encodeURIComponent(name)}=1`, MUSTANG))
  expectProblem(strange, 422, 'invalid_input', {
    errors: [{ query: `\ufffd${'x'.repeat(198)}…`, detail: 'is not a known member' }],
  })
})

test('names have no control characters, descriptions have tabs and line breaks', async () => {
  const { ask } = await testApp()
  expectProblem(await ask(post('/cars', { ...MUSTANG, brand: 'Ford\u001b[31m' })), 422, 'invalid_input', {
    errors: [{ pointer: '#/brand', detail: 'must not contain control characters' }],
  })
  const order = (description: string) => ({
    order_id: 'A-1',
    ordered_at: '2021-10-03T10:00:00Z',
    customer: '山田太郎 😀 \u202e',
    currency: 'JPY',
    items: [{ sku: 'X1', description, quantity: 1, unit_price: '1' }],
  })
  expect((await ask(post('/orders', order('Lamp\n\tgreen\r\n')))).statusCode).toBe(201)
  expectProblem(await ask(post('/orders', order('Lamp\0'))), 422, 'invalid_input', {
    errors: [
      {
        pointer: '#/items/0/description',
        detail: 'must not contain control characters but tabs and line breaks',
      },
    ],
  })
})

test.each(['[]', 'null', '"car"', '1', 'true'])('a body of %s is not an object: 422', async (body) => {
  const { ask } = await testApp()
  expectProblem(await ask(post('/cars', body)), 422, 'invalid_input', {
    errors: [{ pointer: '#', detail: 'must be object' }],
  })
})

test.each([
  [{ start_date: '2021-02-29', end_date: '2021-03-01' }, '#/start_date'],
  [{ start_date: '2021-10-02', end_date: '2021-10-02' }, '#/end_date'],
  [{ start_date: '2021-10-02', end_date: '2021-10-01' }, '#/end_date'],
  [{ start_date: '2021-01-01', end_date: '2022-01-03' }, '#/end_date'],
  [{ start_date: '2021-1-1', end_date: '2021-02-01' }, '#/start_date'],
  [{ start_date: 20210101, end_date: '2021-02-01' }, '#/start_date'],
])('a report of %j is refused with 422 at %s', async (range, pointer) => {
  const { ask } = await testApp()
  expectProblem(await ask(post('/orders/reports', range)), 422, 'invalid_input', {
    errors: [{ pointer, detail: expect.any(String) }],
  })
})

test('a range of 366 days is not too long', async () => {
  const { ask } = await testApp()
  const answer = await ask(post('/orders/reports', { start_date: '2020-01-01', end_date: '2021-01-01' }))
  expect(answer.statusCode).toBe(202)
})

test('a query member that a starting route does not know is refused, and never becomes input', async () => {
  const { ask, redis, prefix } = await testApp()
  for (const query of ['utm=1', 'brand=Fiat']) {
    expectProblem(await ask(post(`/cars?${query}`, MUSTANG)), 422, 'invalid_input', {
      errors: [{ query: query.split('=')[0], detail: 'is not a known member' }],
    })
  }
  expect(await redis.keys(`${prefix}:*`)).toEqual([])
})

test.each([
  ['idempotency-key', ''],
  ['idempotency-key', '""'],
  ['idempotency-key', 'k'.repeat(256)],
  ['task-priority', '8'],
  ['task-priority', '-1'],
  ['task-priority', 'high'],
  ['task-priority', '1e999'],
  ['task-priority', '1.5'],
  ['task-priority', '0x1'],
  ['task-priority', ''],
  ['task-priority', '0, 7'],
  ['max-queue', '1e999'],
  ['max-queue', '-1'],
  ['max-queue', '1.5'],
])('the option %s: %s is refused with 422 that names it', async (header, value) => {
  const { ask } = await testApp()
  expectProblem(await ask(post('/cars', MUSTANG, { [header]: value })), 422, 'invalid_input', {
    errors: [{ header, detail: expect.any(String) }],
  })
})

test('a style in the query that nobody knows is a fault', async () => {
  const { ask } = await testApp()
  const { task_id } = (await ask(post('/cars', MUSTANG))).json()
  expectProblem(await ask(`/tasks/${task_id}?style=fancy`), 422, 'invalid_input', {
    errors: [{ query: 'style', detail: expect.any(String) }],
  })
})

test.each([
  'limit=0',
  'limit=-1',
  'limit=1e9',
  'limit=1e999',
  'limit=abc',
  'limit=',
  'limit=1&limit=2',
  'status=done',
  'operation=no.such',
  'created_after=yesterday',
  'created_after=1998-12-31T23:59:60Z',
  'created_before=2021-02-30T00:00:00Z',
  'sort=up',
  'cursor=forged',
  'cursor=MTIz',
  'cursor=%00',
])('a list with %s is refused with 422 that names it', async (query) => {
  const { ask } = await testApp()
  for (const path of ['/tasks', '/operations']) {
    const answer = await ask(`${path}?${query}`)
    expect(answer.statusCode, path).toBe(422)
    expect(answer.json()).toMatchObject({ code: 'invalid_input', errors: [{ query: query.split('=')[0] }] })
  }
})
