import { expect, test } from 'vitest'
import { post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

const UNKNOWN = '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'

test('every answer says that it is what its type says, and is kept by nobody unless it says so', async () => {
  const { app } = await testApp()
  const requests = [
    '/tasks',
    `/tasks/${UNKNOWN}`,
    '/nowhere',
    '/healthz',
    '/openapi.json',
    '/problems',
    '/docs/',
    '/docs/static/swagger-ui.css',
    '/%zz',
    post('/cars', MUSTANG),
    post('/cars', '{'),
    { method: 'PUT' as const, url: '/cars' },
  ]
  for (const request of requests) {
    const { headers } = await app.inject(request)
    const name = JSON.stringify(request)
    expect(headers, name).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': expect.stringMatching(/^(no-store|private, no-cache|public, max-age=0)$/),
    })
    for (const field of ['server', 'x-powered-by', 'strict-transport-security']) {
      expect(headers[field], name).toBeUndefined()
    }
  }
  for (const url of [`/tasks/${UNKNOWN}`, '/tasks?limit=0']) {
    expect((await app.inject(url)).headers['cache-control']).toBe('no-store')
  }
})

test.each(['/problems', '/problems/gone', '/docs/'])(
  'the page %s loads and does nothing but what it is made of, in nobody’s frame',
  async (url) => {
    const { app } = await testApp()
    const { headers, statusCode } = await app.inject(url)
    expect(statusCode).toBe(200)
    expect(headers).toMatchObject({
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('geolocation=()'),
    })
    const policy = String(headers['content-security-policy'])
    expect(policy).toMatch(
      /^default-src 'none'; .*base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    )
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
  },
)

test('only a service with an https address has itself remembered as such', async () => {
  const { ask } = await testApp({ PUBLIC_URL: 'https://accepted.example' })
  for (const url of ['/healthz', '/nowhere', '/problems']) {
    expect((await ask(url)).headers['strict-transport-security']).toBe('max-age=31536000')
  }
})
