import { ApiSettings, readSettings } from '@accepted/core'
import { expect, test } from 'vitest'
import { quotaApp } from '../testing/quota-app.ts'
import { post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

const SHOP = 'https://shop.example'
const UNKNOWN = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
const preflight = (url: string, method = 'POST', origin = SHOP) => ({
  method: 'OPTIONS' as const,
  url,
  headers: {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'authorization,idempotency-key',
  },
})
const corsFields = (headers: object) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control'))

test('unless origins are named there is no CORS: no field of it, and OPTIONS is 405', async () => {
  const { app, ask } = await testApp()
  for (const url of ['/cars', `/tasks/${UNKNOWN}`, '/healthz']) {
    const asked = await ask(preflight(url))
    expect([asked.statusCode, corsFields(asked.headers)]).toEqual([405, []])
  }
  expect((await ask(preflight('/nowhere'))).statusCode).toBe(404)
  for (const url of ['/cars', '/nowhere', '/docs/static/index.html']) {
    const { headers } = await app.inject({ url, headers: { origin: SHOP } })
    expect(corsFields(headers)).toEqual([])
    expect(String(headers.vary)).not.toContain('Origin')
  }
})

test('pages of an origin that is named may use every route, and read what answers say in fields', async () => {
  const { app, ask } = await testApp({ CORS_ORIGINS: `http://localhost:5173, ${SHOP}`, AUTH: 'keys' })
  const { paths } = (await ask('/openapi.json')).json() as { paths: Record<string, object> }
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods)) {
      const url = path.replace('{code}', 'gone').replace(/\{\w+\}/g, UNKNOWN)
      const { statusCode, headers } = await app.inject(preflight(url, method.toUpperCase()))
      expect([statusCode, headers['access-control-allow-origin']], path).toEqual([204, SHOP])
      expect(String(headers['access-control-allow-methods']), path).toContain(method.toUpperCase())
      expect(headers['access-control-allow-headers']).toBe('authorization,idempotency-key')
      expect(headers['access-control-allow-credentials']).toBeUndefined()
    }
  }
  // A refusal can be read, too.
  const refused = await ask({ ...post('/cars', MUSTANG, { origin: SHOP }) })
  expect([refused.statusCode, refused.headers['access-control-allow-origin']]).toEqual([401, SHOP])
  const unread = await app.inject(post('/cars', MUSTANG, { origin: SHOP, 'content-encoding': 'gzip' }))
  expect([unread.statusCode, unread.headers['access-control-allow-origin']]).toEqual([415, SHOP])
})

test('an answer says what may be read, and that it depends on the origin', async () => {
  const { ask, north } = await quotaApp({ CORS_ORIGINS: SHOP })
  const { headers } = await ask(post('/cars', MUSTANG, { ...north, origin: SHOP }))
  const exposed = String(headers['access-control-expose-headers']).split(', ')
  for (const name of Object.keys(headers)) {
    if (/^(access|content-(type|length)|cache|vary|x-content|cross|date|connection)/.test(name)) continue
    expect(exposed.map((field) => field.toLowerCase())).toContain(name)
  }
  expect(exposed).toEqual(
    expect.arrayContaining([
      'ETag',
      'Link',
      'Preference-Applied',
      'RateLimit',
      'RateLimit-Policy',
      'Sunset',
      'WWW-Authenticate',
    ]),
  )
  expect(headers.vary).toBe('Prefer, Origin')
  const read = await ask({ url: String(headers.location), headers: { ...north, origin: SHOP } })
  expect(read.headers.vary).toBe('Prefer, Accept, Origin')
  const stream = await ask({
    url: `${headers.location}/events`,
    headers: { ...north, origin: SHOP },
    payloadAsStream: true,
  })
  expect([stream.headers['access-control-allow-origin'], stream.headers.vary]).toEqual([SHOP, 'Origin'])
  stream.stream().destroy()
})

test.each([
  'https://elsewhere.example',
  'https://shop.example.elsewhere.example',
  'http://shop.example',
  'null',
  '*',
])('pages of %s, which is not named, are told nothing', async (origin) => {
  const { app } = await testApp({ CORS_ORIGINS: SHOP })
  const asked = await app.inject(preflight('/cars', 'POST', origin))
  expect([asked.statusCode, corsFields(asked.headers)]).toEqual([405, []])
  const { headers } = await app.inject({ url: '/tasks', headers: { origin } })
  expect([corsFields(headers), headers.vary]).toEqual([[], 'Origin'])
})

test('an OPTIONS that is no preflight is answered as without CORS', async () => {
  const { app } = await testApp({ CORS_ORIGINS: SHOP })
  const plain = await app.inject({ method: 'OPTIONS', url: '/cars', headers: { origin: SHOP } })
  expect([plain.statusCode, plain.headers.allow]).toEqual([405, 'GET, HEAD, POST'])
  expect((await app.inject({ method: 'OPTIONS', url: '/nowhere' })).statusCode).toBe(404)
})

test.each([
  '*',
  'https://*.example',
  'null',
  'shop.example',
  'https://shop.example/',
  'https://SHOP.example',
  'ftp://a',
])('CORS_ORIGINS=%s is refused in words', (CORS_ORIGINS) => {
  const read = () => readSettings(ApiSettings, { REDIS_URL: 'redis://h', CORS_ORIGINS })
  expect(read).toThrow(/CORS_ORIGINS=.* is no origin: /)
})
