import { expect, test } from 'vitest'
import { expectProblem, post } from './testing/requests.ts'
import { MUSTANG, testApp } from './testing/test-app.ts'

test('a start answers 202 with the task and every header that leads on', async () => {
  const { ask } = await testApp()
  const answer = await ask(post('/cars', MUSTANG))
  const task = answer.json()
  expect(answer.statusCode).toBe(202)
  expect(answer.headers).toMatchObject({
    location: `/tasks/${task.task_id}`,
    'operation-location': `http://accepted.test/operations/${task.task_id}`,
    'content-location': `/tasks/${task.task_id}`,
    'retry-after': '1',
    wait: '0',
  })
  expect(task).toMatchObject({
    status: 'pending',
    queue_position: 0,
    request: { verb: 'POST', resource: '/cars', body: MUSTANG },
  })
  const read = await ask(answer.headers.location as string)
  expect(read.statusCode).toBe(202)
  expect(read.json()).toEqual(task)
})

test('a preferred style is kept in the task’s URL, and said to be applied', async () => {
  const { ask } = await testApp()
  const answer = await ask(post('/cars', MUSTANG, { prefer: 'task-style=created, wait=0, nonsense==' }))
  expect(answer.headers.location).toMatch(/^\/tasks\/[0-9a-f-]{36}\?style=created$/)
  expect(answer.headers['preference-applied']).toBe('task-style=created')
  expect(answer.json()).toMatchObject({ status: 'not started', result: {} })
  const read = await ask(answer.headers.location as string)
  expect(read.headers).toMatchObject({ wait: '0', location: answer.headers.location })
})

test('the body is shown as it was sent', async () => {
  const { ask } = await testApp()
  const body = '{ "color":"Bl\\u00fce", "model":2014.0,"make":"M","brand":"F" }'
  const answer = await ask(post('/cars', body))
  expect(answer.statusCode).toBe(202)
  expect(answer.body).toContain(`"body":${body}`)
})

test.each([
  ['not JSON', '{"brand":', 'malformed_json'],
  ['NaN', '{"model":NaN}', 'malformed_json'],
  ['empty', '', 'malformed_json'],
  ['blank', '  ', 'malformed_json'],
  ['deep', `${'['.repeat(100_000)}`, 'malformed_json'],
  ['deep and closed', `{"brand":${'['.repeat(65)}${']'.repeat(65)}}`, 'malformed_json'],
  ['a prototype', '{"__proto__":{"x":1}}', 'malformed_json'],
])('a body that is %s is refused with 400, in words', async (_name, body, code) => {
  const { ask, redis, prefix } = await testApp()
  const answer = await ask(post('/cars', body))
  expectProblem(answer, 400, code)
  expect(await redis.keys(`${prefix}:*`)).toEqual([])
})

test('a body that is not UTF-8 is refused with 400', async () => {
  const { ask } = await testApp()
  const payload = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
  const answer = await ask({
    method: 'POST',
    url: '/cars',
    headers: { 'content-type': 'application/json' },
    payload,
  })
  expectProblem(answer, 400, 'malformed_json', { detail: 'The body is not valid UTF-8.' })
})

test('a byte order mark is passed over', async () => {
  const { ask } = await testApp()
  const answer = await ask(post('/cars', `\uFEFF${JSON.stringify(MUSTANG)}`))
  expect(answer.json().request.body).toEqual(MUSTANG)
})

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

test('a body beyond the limit is refused with 413, and no more of it is read', async () => {
  const { ask } = await testApp()
  expectProblem(await ask(post('/cars', JSON.stringify({ brand: 'x'.repeat(2_000_000) }))), 413, 'too_large')
})

test.each(['text/plain', 'application/xml', 'application/json; charset=latin1', undefined])(
  'a body of type %s is refused with 415',
  async (type) => {
    const { ask } = await testApp()
    const headers = type === undefined ? {} : { 'content-type': type }
    const answer = await ask({ method: 'POST', url: '/cars', headers, payload: Buffer.from('{}') })
    expectProblem(answer, 415, 'unsupported_media_type')
  },
)

test.each([
  '/tasks/abc',
  '/tasks/0',
  '/tasks/%00',
  '/tasks/0199a1b2-5c3d-4000-8a4b-1c2d3e4f5a6b',
  '/cars/abc',
  '/orders/reports/x',
  '/problems/NO',
  '/nowhere',
])('an id that is none, as in %s, names nothing: 404', async (url) => {
  const { ask } = await testApp()
  expectProblem(await ask(url), 404, 'not_found')
})

test('ids in form that nothing has are unknown, in every collection', async () => {
  const { ask } = await testApp()
  for (const path of ['/tasks', '/cars', '/orders/reports']) {
    expectProblem(await ask(`${path}/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b`), 404, 'not_found')
  }
  // A shard that does not exist.
  expectProblem(await ask('/tasks/0199a1b2-5c3d-7fff-8a4b-1c2d3e4f5a6b'), 404, 'not_found')
})

test('problems under /operations have no numeric status', async () => {
  const { ask } = await testApp()
  const answer = await ask('/operations/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b')
  expect(answer.statusCode).toBe(404)
  expect(answer.json()).toMatchObject({ code: 'not_found' })
  expect(answer.json()).not.toHaveProperty('status')
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

test('nonsense in Prefer is ignored, and so is a style that nobody knows', async () => {
  const { ask } = await testApp()
  for (const prefer of ['', ';;;', 'wait=-1', 'task-style=fancy', '"', 'respond-async=1e9=2', ',']) {
    const answer = await ask(post('/cars', MUSTANG, { prefer }))
    expect(answer.statusCode, prefer).toBe(202)
    expect(answer.headers.location).toMatch(/^\/tasks\/[0-9a-f-]{36}$/)
  }
})

test('a style in the query that nobody knows is a fault', async () => {
  const { ask } = await testApp()
  const { task_id } = (await ask(post('/cars', MUSTANG))).json()
  expectProblem(await ask(`/tasks/${task_id}?style=fancy`), 422, 'invalid_input', {
    errors: [{ query: 'style', detail: expect.any(String) }],
  })
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
  ['max-queue', '1e999'],
  ['max-queue', '-1'],
  ['max-queue', '1.5'],
])('the option %s: %s is refused with 422 that names it', async (header, value) => {
  const { ask } = await testApp()
  expectProblem(await ask(post('/cars', MUSTANG, { [header]: value })), 422, 'invalid_input', {
    errors: [{ header, detail: expect.any(String) }],
  })
})

test('a repeated request under its key gets the same task; another request under it 422', async () => {
  const { ask } = await testApp()
  const first = await ask(post('/cars', MUSTANG, { 'idempotency-key': 'k1' }))
  const { brand, make, model, color } = MUSTANG
  const again = await ask(post('/cars', { color, model, make, brand }, { 'idempotency-key': '"k1"' }))
  expect(again.statusCode).toBe(202)
  expect(again.json().task_id).toBe(first.json().task_id)
  expect(again.headers.location).toBe(first.headers.location)
  for (const other of [
    post('/cars', { ...MUSTANG, color: 'Red' }, { 'idempotency-key': 'k1' }),
    post('/cars', MUSTANG, { 'idempotency-key': 'k1', 'task-priority': '0' }),
    post(
      '/orders/reports',
      { start_date: '2021-10-01', end_date: '2021-10-02' },
      { 'idempotency-key': 'k1' },
    ),
  ]) {
    expectProblem(await ask(other), 422, 'idempotency_conflict')
  }
})

test('two hundred at once under one key make one task', async () => {
  const { ask } = await testApp()
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => ask(post('/cars', MUSTANG, { 'idempotency-key': 'same' }))),
  )
  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([202]))
  expect(new Set(answers.map((answer) => answer.json().task_id)).size).toBe(1)
  expect((await ask('/tasks')).json()).toHaveLength(1)
})

test('a full lane is refused with 503 and when to come again; so is one that is longer than Max-Queue', async () => {
  const { ask } = await testApp({ MAX_BACKLOG: '2' })
  expect((await ask(post('/cars', MUSTANG, { 'max-queue': '0' }))).statusCode).toBe(202)
  const tooLong = await ask(post('/cars', MUSTANG, { 'max-queue': '0' }))
  expectProblem(tooLong, 503, 'backlog_full')
  expect(tooLong.headers['retry-after']).toMatch(/^\d+$/)
  expect((await ask(post('/cars', MUSTANG))).statusCode).toBe(202)
  expectProblem(await ask(post('/cars', MUSTANG)), 503, 'backlog_full')
  // Lanes do not fill each other.
  expect(
    (await ask(post('/orders/reports', { start_date: '2021-10-01', end_date: '2021-10-02' }))).statusCode,
  ).toBe(202)
})

test('a tag that is still true answers 304, with the hint and without a body', async () => {
  const { ask } = await testApp()
  const { task_id } = (await ask(post('/cars', MUSTANG))).json()
  for (const url of [`/tasks/${task_id}`, `/tasks/${task_id}?style=see-other`, `/operations/${task_id}`]) {
    const read = await ask(url)
    const again = await ask({ url, headers: { 'if-none-match': String(read.headers.etag) } })
    expect(again.statusCode).toBe(304)
    expect(again.body).toBe('')
    expect(again.headers).toMatchObject({
      etag: read.headers.etag,
      'retry-after': '1',
      vary: 'Prefer, Accept',
    })
    expect((await ask({ url, headers: { 'if-none-match': 'W/"99-monitor"' } })).statusCode).toBe(
      read.statusCode,
    )
  }
})

test('a URL that cannot be read, and one with an id of any length, get problem documents too', async () => {
  const { ask } = await testApp()
  expectProblem(await ask('/tasks/%zz'), 400, 'malformed_request')
  expectProblem(await ask(`/tasks/${'a'.repeat(5_000)}`), 404, 'not_found')
})

test('a body’s type may be named where there is no body', async () => {
  const { ask } = await testApp()
  const headers = { 'content-type': 'application/json' }
  const url = '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
  expectProblem(await ask({ method: 'DELETE', url, headers }), 404, 'not_found')
})

test('a method that does not apply is refused with 405 and the ones that do', async () => {
  const { ask } = await testApp()
  const answer = await ask({ method: 'PUT', url: '/cars', payload: '{' })
  expectProblem(answer, 405, 'method_not_allowed')
  expect(answer.headers.allow).toBe('GET, HEAD, POST')
  expect(
    (await ask({ method: 'PATCH', url: '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b' })).headers.allow,
  ).toBe('DELETE, GET, HEAD')
})

test('a form that a resource does not have is refused with 406', async () => {
  const { ask } = await testApp()
  for (const accept of ['application/pdf', 'text/*', 'application/json;q=0']) {
    expectProblem(await ask({ url: '/tasks', headers: { accept } }), 406, 'not_acceptable')
  }
  for (const accept of [
    '*/*',
    'application/*',
    'text/html, application/json;q=0.1',
    'application/json; charset=utf-8',
    'application/json;version=1;q=0.5',
    '',
  ]) {
    expect((await ask({ url: '/tasks', headers: { accept } })).statusCode, accept).toBe(200)
  }
})

test('the caller’s request id is kept if it is in form', async () => {
  const { ask } = await testApp()
  expect((await ask({ url: '/healthz', headers: { 'x-request-id': 'abc-1' } })).headers['x-request-id']).toBe(
    'abc-1',
  )
  for (const given of ['a b', 'x'.repeat(129), '<script>']) {
    expect(
      (await ask({ url: '/healthz', headers: { 'x-request-id': given } })).headers['x-request-id'],
    ).toMatch(/^[0-9a-f-]{36}$/)
  }
})

test('HEAD answers as GET does, without the body', async () => {
  const { ask } = await testApp()
  const { task_id } = (await ask(post('/cars', MUSTANG))).json()
  const head = await ask({ method: 'HEAD', url: `/tasks/${task_id}` })
  expect(head.statusCode).toBe(202)
  expect(head.body).toBe('')
  expect(head.headers.etag).toBe('W/"1-monitor"')
})

test('without Redis the API starts and answers 503 at once; nothing is half-done', async () => {
  const { ask } = await testApp({ REDIS_URL: 'redis://127.0.0.1:1' })
  expect((await ask('/healthz')).statusCode).toBe(200)
  expectProblem(await ask('/readyz'), 503, 'not_ready', { detail: 'Missing: Redis does not answer.' })
  const asked = [
    post('/cars', MUSTANG),
    '/tasks',
    '/cars',
    '/cars/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
    '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
    '/orders/reports/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
  ]
  for (const request of asked) {
    const answer = await ask(request)
    expectProblem(answer, 503, 'store_unavailable')
    expect(answer.headers['retry-after']).toBe('1')
  }
})

test('without a worker the API is not ready, and says so', async () => {
  const { ask } = await testApp()
  expectProblem(await ask('/readyz'), 503, 'not_ready', {
    detail: expect.stringContaining('no worker has fetched from the lane car.build'),
  })
})

test('the pages that explain problems are there for every kind', async () => {
  const { ask } = await testApp()
  const { PROBLEMS, TASK_ERRORS } = await import('@accepted/contract')
  for (const code of [...Object.keys(PROBLEMS), ...Object.keys(TASK_ERRORS)]) {
    const page = await ask({ url: `/problems/${code}`, headers: { accept: 'text/html' } })
    expect(page.statusCode, code).toBe(200)
    expect(page.body).toContain(code)
  }
})
