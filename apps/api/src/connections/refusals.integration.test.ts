import { expect, test } from 'vitest'
import { rawConnections } from '../testing/raw-connection.ts'
import { testApp } from '../testing/test-app.ts'

const TASK = '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`
const post = (...lines: string[]) =>
  head('POST /cars HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...lines)
const get = (...lines: string[]) => head('GET /healthz HTTP/1.1', 'Host: localhost', ...lines)
const many = (count: number, line: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => line(at))

/** What closes its connection: bytes after which nobody can know where the next request begins, or what is refused as a whole. */
const REFUSED: [what: string, bytes: string, status: number, code: string][] = [
  [
    'both ways to tell a length',
    `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'the same in the other order',
    `${post('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
    400,
    'malformed_request',
  ],
  ['two lengths', `${post('Content-Length: 2', 'Content-Length: 3')}{}`, 400, 'malformed_request'],
  ['the same length twice', `${post('Content-Length: 2', 'Content-Length: 2')}{}`, 400, 'malformed_request'],
  ['a list of lengths', `${post('Content-Length: 2, 2')}{}`, 400, 'malformed_request'],
  ['a length with a sign', `${post('Content-Length: +2')}{}`, 400, 'malformed_request'],
  [
    'a length beyond all numbers',
    `${post('Content-Length: 99999999999999999999')}{}`,
    400,
    'malformed_request',
  ],
  [
    'a coding that is not chunked',
    `${post('Transfer-Encoding: xchunked')}0\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'chunked twice',
    `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'a coding before chunked',
    `${post('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'chunked in HTTP/1.0',
    head('POST /cars HTTP/1.0', 'Host: localhost', 'Transfer-Encoding: chunked'),
    400,
    'malformed_request',
  ],
  [
    'a chunk without a size',
    `${post('Transfer-Encoding: chunked')}zz\r\nab\r\n0\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'a chunk beyond all numbers',
    `${post('Transfer-Encoding: chunked')}fffffffffffffffff\r\n`,
    400,
    'malformed_request',
  ],
  [
    'a chunk with a long extension',
    `${post('Transfer-Encoding: chunked')}1;${'x'.repeat(20_000)}\r\n`,
    400,
    'malformed_request',
  ],
  [
    'a long trailer',
    `${post('Transfer-Encoding: chunked')}0\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    431,
    'header_too_large',
  ],
  ['a folded line', get('X: a', ' b'), 400, 'malformed_request'],
  ['bare line feeds', 'GET /healthz HTTP/1.1\nHost: a\n\n', 400, 'malformed_request'],
  ['one bare line feed', 'GET /healthz HTTP/1.1\r\nHost: a\nX: b\r\n\r\n', 400, 'malformed_request'],
  [
    'a bare carriage return',
    'GET /healthz HTTP/1.1\r\nHost: localhost\rX: b\r\n\r\n',
    400,
    'malformed_request',
  ],
  ['a NUL', get('X: a\0b'), 400, 'malformed_request'],
  ['a space before the colon', get('X : b'), 400, 'malformed_request'],
  ['a space in a name', get('X Y: b'), 400, 'malformed_request'],
  ['a field without a name', get(': b'), 400, 'malformed_request'],
  ['no Host', head('GET /healthz HTTP/1.1', 'X: a'), 400, 'malformed_request'],
  ['two Hosts', get('Host: b'), 400, 'malformed_request'],
  ['a Host that is none', head('GET /healthz HTTP/1.1', 'Host: a b/c'), 400, 'malformed_request'],
  [
    'a target in authority form',
    head('GET a.example:80 HTTP/1.1', 'Host: localhost'),
    400,
    'malformed_request',
  ],
  ['a relative target', head('GET healthz HTTP/1.1', 'Host: localhost'), 400, 'malformed_request'],
  [
    'bytes beyond ASCII in the target',
    head('GET /\xc3\xa9 HTTP/1.1', 'Host: localhost'),
    400,
    'malformed_request',
  ],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed_request'],
  ['another version', head('GET /healthz HTTP/9.9', 'Host: localhost'), 400, 'malformed_request'],
  [
    'a version that the parser knows',
    head('GET /healthz HTTP/2.0', 'Host: localhost'),
    400,
    'malformed_request',
  ],
  ['an older version', head('GET /healthz HTTP/0.9', 'Host: localhost'), 400, 'malformed_request'],
  ['two credentials', get('Authorization: Bearer a', 'authorization: Bearer a'), 400, 'malformed_request'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'malformed_request'],
  ['CONNECT', head('CONNECT a.example:80 HTTP/1.1', 'Host: localhost'), 405, 'method_not_allowed'],
  [
    'a method that nobody knows',
    head('FETCH /healthz HTTP/1.1', 'Host: localhost'),
    405,
    'method_not_allowed',
  ],
  ['a method in small letters', head('get /healthz HTTP/1.1', 'Host: localhost'), 405, 'method_not_allowed'],
  [
    'a target over 8,000 bytes',
    head(`GET /tasks?x=${'x'.repeat(8_000)} HTTP/1.1`, 'Host: localhost'),
    414,
    'uri_too_long',
  ],
  [
    'a target over 16 kB',
    head(`GET /tasks?x=${'x'.repeat(20_000)} HTTP/1.1`, 'Host: localhost'),
    414,
    'uri_too_long',
  ],
  ['a head over 16 kB', get(`X: ${'x'.repeat(20_000)}`), 431, 'header_too_large'],
  ['over 100 fields', get(...many(100, (at) => `X-${at}: y`)), 431, 'header_too_large'],
  [
    'over 2,000 fields, the last ones a length',
    get(...many(2_100, () => 'X:'), 'Content-Length: 9'),
    431,
    'header_too_large',
  ],
  ['an expectation', `${post('Expect: foo', 'Content-Length: 2')}{}`, 417, 'expectation_failed'],
  [
    'a content coding',
    `${post('Content-Encoding: gzip', 'Content-Length: 2')}{}`,
    415,
    'unsupported_media_type',
  ],
]

test('what is no request, or none that is taken, is told so by a problem document, and its connection ends', async () => {
  const { app } = await testApp()
  const connect = await rawConnections(app)
  for (const [what, bytes, status, code] of REFUSED) {
    const { send, answers } = await connect()
    send(bytes)
    const [answer, ...more] = await answers()
    expect(more, what).toEqual([])
    expect(answer, what).toMatchObject({
      status,
      headers: {
        'content-type': expect.stringContaining('application/problem+json'),
        'x-request-id': expect.any(String),
        connection: 'close',
      },
    })
    expect(JSON.parse(String(answer!.body)), what).toMatchObject({ code, status })
    if (status === 405) expect(answer!.headers.allow, what).toMatch(/GET/)
  }
})

test.each([
  ['a target in absolute form', 'GET http://a.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 200],
  ['one with a query and no path', 'GET http://a.example?x HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
  ['a path of slashes', 'GET //healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
  ['dots', 'GET /docs/../healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
  [
    'encoded dots and slashes',
    'GET /docs/static/..%2f..%2f..%2fpackage.json HTTP/1.1\r\nHost: localhost\r\n\r\n',
    404,
  ],
  ['an encoded slash', 'GET /tasks%2f HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
  ['an encoding that is none', 'GET /tasks/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['an overlong encoding', 'GET /tasks/%c0%af HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['an encoded NUL', 'GET /tasks/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
  ['lines before the request', '\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', 200],
  ['a method that nothing has', 'PROPFIND /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  ['TRACE', 'TRACE /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  ['a method that a path does not have', `DELETE ${TASK}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`, 405],
  ['an empty Host', 'GET /healthz HTTP/1.1\r\nHost:\r\n\r\n', 200],
  ['a Host of IPv6', 'GET /healthz HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n', 200],
])('%s is answered as any request, and its connection stays', async (_what, bytes, status) => {
  const { app } = await testApp()
  const { send, answers } = await (await rawConnections(app))()
  send(bytes)
  send('GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const [answer, next, ...more] = await answers()
  expect([answer!.status, next!.status, more]).toEqual([status, 404, []])
  if (status >= 400) expect(answer!.headers['content-type']).toMatch(/^application\/problem\+json/)
  if (status === 405) expect(answer!.headers.allow).toMatch(/GET/)
})

test('HTTP/1.0 is answered, without a Host, and its connection ends', async () => {
  const { app } = await testApp()
  const { send, answers } = await (await rawConnections(app))()
  send('GET /healthz HTTP/1.0\r\n\r\n')
  expect(await answers()).toMatchObject([{ status: 200, headers: { connection: 'close' } }])
})

test.each([
  ['websocket', 'Connection: Upgrade\r\nUpgrade: websocket'],
  ['h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA'],
])('who asks for %s is answered in HTTP/1.1, and the connection ends', async (_what, fields) => {
  const { app } = await testApp()
  const { send, answers } = await (await rawConnections(app))()
  send(get(fields))
  expect(await answers()).toMatchObject([{ status: 200, headers: { connection: 'close' } }])
})

test('while nobody is asked for a key, only those are answered who know the service as this machine', async () => {
  const ours = ['localhost', 'LOCALHOST:3000', '127.0.0.1:3000', '[::1]:3000', 'api.example', 'API.example:1']
  const others = ['rebound.example', 'localhost.example', 'api.example.evil', '10.0.0.1', '[::2]']
  const ask = async (app: Awaited<ReturnType<typeof testApp>>, host: string) =>
    (await app.ask({ url: '/tasks', headers: { host } })).statusCode
  const open = await testApp({ PUBLIC_URL: 'https://api.example:8443' })
  for (const host of ours) expect([host, await ask(open, host)]).toEqual([host, 200])
  for (const host of others) expect([host, await ask(open, host)]).toEqual([host, 421])
  const byAddress = await testApp({ PUBLIC_URL: 'http://[2001:db8::1]:3000' })
  expect(await ask(byAddress, '[2001:DB8::1]:3000')).toBe(200)
  expect(await ask(byAddress, '[2001:db8::2]:3000')).toBe(421)
  const withKeys = await testApp({ AUTH: 'keys' })
  expect(await ask(withKeys, 'rebound.example')).toBe(401)
})
