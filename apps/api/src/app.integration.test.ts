import { PROBLEMS, TASK_ERRORS } from '@accepted/contract'
import { expect, test } from 'vitest'
import { expectProblem, post } from './testing/requests.ts'
import { MUSTANG, testApp } from './testing/test-app.ts'

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

test('a URL that cannot be read, and one with an id of any length, get problem documents too', async () => {
  const { ask } = await testApp()
  expectProblem(await ask('/tasks/%zz'), 400, 'malformed_request')
  expectProblem(await ask(`/tasks/${'a'.repeat(5_000)}`), 404, 'not_found')
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
  for (const lane of ['car.build', 'callbacks']) {
    expectProblem(await ask('/readyz'), 503, 'not_ready', {
      detail: expect.stringContaining(`no worker has fetched from the lane ${lane} lately`),
    })
  }
})

test('the pages that explain problems are there for every kind', async () => {
  const { ask } = await testApp()
  for (const code of [...Object.keys(PROBLEMS), ...Object.keys(TASK_ERRORS)]) {
    const page = await ask({ url: `/problems/${code}`, headers: { accept: 'text/html' } })
    expect(page.statusCode, code).toBe(200)
    expect(page.body).toContain(code)
  }
})

test('a problem has its status as a number, but for those of the operation style', async () => {
  const { app } = await testApp()
  for (const [url, status] of [
    ['/operations/x', undefined],
    ['/operations?limit=0', undefined],
    ['/operationsx', 404],
    ['/tasks/x', 404],
  ] as const) {
    expect((await app.inject(url)).json().status, url).toBe(status)
  }
})
