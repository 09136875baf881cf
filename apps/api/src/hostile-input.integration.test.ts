import { expect, test } from 'vitest'
import { expectProblem, post } from './testing/requests.ts'
import { MUSTANG, testApp } from './testing/test-app.ts'

const ORDER = {
  order_id: 'A-1',
  ordered_at: '2021-10-03T10:00:00Z',
  customer: 'Zoë',
  currency: 'EUR',
  items: [{ sku: 'X1', description: 'Lamp', quantity: 2, unit_price: '9.50' }],
}
const NDJSON = { 'content-type': 'application/x-ndjson' }
const UNKNOWN = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'

test('no part of a request changes a prototype or is taken for something inherited', async () => {
  const { ask } = await testApp()
  const before = Reflect.ownKeys(Object.prototype)
  const json = (value: object) => JSON.stringify(value)
  const polluted = ['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}']
  const within = polluted.map((part) => `${json(MUSTANG).slice(0, -1)},${part.slice(1)}`)
  const bodies = [
    '/cars',
    `/cars/${UNKNOWN}/reservations`,
    '/orders',
    '/orders/reports',
    '/deliveries/redeliver',
  ]
  for (const url of bodies) {
    for (const body of [...polluted, ...within])
      expect((await ask(post(url, body))).statusCode, url).toBe(400)
  }
  for (const part of polluted) {
    const lines = [json(ORDER), `${json(ORDER).slice(0, -1)},${part.slice(1)}`].join('\n')
    const { statusCode, body } = await ask({ ...post('/orders', lines, NDJSON) })
    expect([statusCode, JSON.parse(body).errors]).toEqual([
      422,
      [expect.objectContaining({ line: 2, pointer: '#' })],
    ])
  }

  const queries = [
    '__proto__=polluted',
    '__proto__[polluted]=1',
    'constructor.prototype.polluted=1',
    'constructor[prototype][polluted]=1',
    '__proto__=1&__proto__=2',
    'toString=1&hasOwnProperty=1',
  ]
  for (const query of queries) {
    for (const url of ['/tasks', '/operations', '/cars']) {
      expect((await ask(`${url}?${query}`)).statusCode, query).toBe(422)
    }
    expect((await ask(post(`/cars?${query}`, MUSTANG))).statusCode, query).toBe(422)
    expect((await ask(`/tasks/${UNKNOWN}?${query}`)).statusCode, query).toBe(404)
  }
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    for (const url of [`/${name}`, `/tasks/${name}`, `/cars/${name}`, `/problems/${name}`, `/docs/${name}`]) {
      expect((await ask(url)).statusCode, url).toBe(404)
    }
    expect((await ask({ url: `/tasks/${UNKNOWN}`, headers: { [name]: 'polluted' } })).statusCode).toBe(404)
    expect((await ask(`/tasks?style=${name}`)).statusCode).toBe(422)
    expect(
      (await ask({ url: '/tasks', headers: { prefer: `${name}=1, task-style=${name}` } })).statusCode,
    ).toBe(200)
  }
  expect(Reflect.ownKeys(Object.prototype)).toEqual(before)
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test('a parameter that stands twice, or is none of a list’s, is refused; thousands are no more than that', async () => {
  const { ask } = await testApp()
  for (const query of [
    'limit=1&limit=2',
    'status=failed&status=completed',
    'limit[]=1',
    'cursor=a&cursor=b',
  ]) {
    expect((await ask(`/tasks?${query}`)).statusCode, query).toBe(422)
  }
  expect((await ask(post('/cars?style=created&style=monitor', MUSTANG))).statusCode).toBe(422)
  expect((await ask(`/tasks/${UNKNOWN}?style=created&style=monitor`)).statusCode).toBe(422)
  const many = Array.from({ length: 1_000 }, (_, n) => `p${n}=1`).join('&')
  const answer = await ask(`/tasks?${many}`)
  expect(answer.statusCode).toBe(422)
  expect(answer.json().errors).toHaveLength(50)
  expect((await ask(`/tasks/${UNKNOWN}?${many}`)).statusCode).toBe(404)
})

test('a megabyte of small faults is refused at once, and in few words', async () => {
  const { ask } = await testApp()
  const many = [
    `{"items":[${'{},'.repeat(300_000)}{}]}`,
    `{${Array.from({ length: 90_000 }, (_, n) => `"k${n}":1`).join()}}`,
    `{${Array.from({ length: 90_000 }, (_, n) => `"${n * 65_536}":1`).join()}}`.slice(0, 999_999),
  ]
  for (const body of many) {
    const answer = await ask(post('/orders', body))
    expect(answer.statusCode).toBe(400)
    expect(answer.json().detail).toMatch(/more than 10000 members, items, objects and arrays/)
    const line = await ask(post('/orders', `${JSON.stringify(ORDER)}\n${body}`, NDJSON))
    expect([line.statusCode, line.json().errors]).toEqual([422, [expect.objectContaining({ line: 2 })]])
  }
  const named = await ask(post('/cars', { ...MUSTANG, ['x'.repeat(900_000)]: 1 }))
  expect(named.statusCode).toBe(422)
  expect(named.body.length).toBeLessThan(1_000)
})

test('what no terminal, page or Redis protocol is made for is kept and shown as it was sent', async () => {
  const { ask } = await testApp()
  const color = '*1 $8 FLUSHALL [2J</script>\u2028\u202e"\\é🚗'
  const started = await ask(post('/cars', { ...MUSTANG, color }))
  expect(started.statusCode).toBe(202)
  const read = await ask(`/tasks/${started.json().task_id}`)
  expect(read.json().request.body.color).toBe(color)
  expect(read.headers['content-type']).toBe('application/json; charset=utf-8')
  const order = { ...ORDER, order_id: `${color}1`, customer: color }
  expect((await ask(post('/orders', order))).statusCode).toBe(201)
  const acting = `\u0000\r\n*1\r\n$8\r\n\u001b[2J\u009b${color}`.slice(0, 50)
  expectProblem(await ask(post('/cars', { ...MUSTANG, color: acting })), 422, 'invalid_input', {
    errors: [{ pointer: '#/color', detail: 'must not contain control characters' }],
  })
  // What comes near a log is an id in form, or a new one.
  for (const id of ['a\u001b[2J', 'a b', 'x'.repeat(129), '{"level":60}', 'ü']) {
    const answer = await ask({ url: '/tasks', headers: { 'x-request-id': id } })
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  }
})

test('a problem shows what it was sent as text and nothing else', async () => {
  const { ask } = await testApp()
  const script = '<script>alert(1)</script>'
  const answers = await Promise.all([
    ask(`/${encodeURIComponent(script)}`),
    ask(`/${script}`),
    ask(post('/cars', { ...MUSTANG, [script]: 1 })),
    ask(post('/cars', script)),
    ask(post('/cars', '{}', { 'content-type': `text/html${script}` })),
    ask(`/tasks?${encodeURIComponent(script)}=1`),
  ])
  for (const answer of answers) {
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  }
  const page = await ask(`/problems/${encodeURIComponent(script)}`)
  expect(page.statusCode).toBe(404)
})
