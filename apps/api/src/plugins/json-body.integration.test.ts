import { expect, test } from 'vitest'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

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

test('a body’s type may be named where there is no body', async () => {
  const { ask } = await testApp()
  const headers = { 'content-type': 'application/json' }
  const url = '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
  expectProblem(await ask({ method: 'DELETE', url, headers }), 404, 'not_found')
})
