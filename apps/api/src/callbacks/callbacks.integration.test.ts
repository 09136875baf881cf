import { NameResolver } from '@accepted/core'
import { type DnsAnswer, startDnsServer } from '@accepted/core/testing'
import { describe, expect, test } from 'vitest'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

const URL = 'https://shop.example/hook?token=s3cret'
const DEFAULT_EVENTS = ['awaiting_confirmation', 'completed', 'failed', 'canceled']

/** An API whose names are looked up at the test's own server. */
async function appWithDns(answer: (name: string) => DnsAnswer, environment = {}) {
  const { server } = await startDnsServer(answer)
  const names = new NameResolver({ servers: [server], hosts: '' })
  return testApp(environment, { names })
}

function carWith(members: object) {
  return post('/cars', { ...MUSTANG, ...members })
}

describe('a start', () => {
  test('with a callback shows it without its query, and leads to its deliveries', async () => {
    const { ask } = await testApp()
    const answer = await ask(carWith({ callback_url: URL }))
    expect(answer.statusCode).toBe(202)
    const task = answer.json()
    expect(task).toMatchObject({
      callback_url: 'https://shop.example/hook',
      callback_events: DEFAULT_EVENTS,
      request: { body: MUSTANG },
    })
    expect(task.links).toContainEqual({
      rel: 'deliveries',
      href: `/tasks/${task.task_id}/deliveries`,
      method: 'GET',
    })
    expect(answer.body).not.toContain('s3cret')
    expect((await ask(`/tasks/${task.task_id}`)).json()).toEqual(task)
  })

  test('keeps its body as it was sent, less the callback options', async () => {
    const { ask } = await testApp()
    const body =
      '{"callback\\u005furl":"http://localhost/", "color":"Bl\\u00fce", "model":2014.0,"callback_events":["failed"] ,"make":"M","brand":"F"}'
    const answer = await ask(post('/cars', body))
    expect(answer.body).toContain('"body":{ "color":"Bl\\u00fce", "model":2014.0,"make":"M","brand":"F"}')
    expect(answer.json()).toMatchObject({ callback_url: 'http://localhost/', callback_events: ['failed'] })
  })

  test('takes the same options as header fields, which no task shows', async () => {
    const { ask } = await testApp()
    const headers = { 'callback-url': URL, 'callback-events': 'completed, failed' }
    const made = (await ask(post('/cars', MUSTANG, headers))).json()
    const read = await ask({
      url: '/cars/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
      headers: { prefer: 'respond-async', ...headers },
    })
    for (const task of [made, read.json()]) {
      expect(task).toMatchObject({
        callback_url: 'https://shop.example/hook',
        callback_events: ['completed', 'failed'],
      })
      expect(Object.keys(task.request.header)).not.toContain('callback-url')
      expect(JSON.stringify(task)).not.toContain('s3cret')
    }
  })

  test('keeps what is called in canonical form, with where links lead', async () => {
    const { ask, redis, prefix } = await testApp()
    const { task_id: id } = (
      await ask(carWith({ callback_url: 'HTTPS://BÜCHER.example.:443/ä%20b#top' }))
    ).json()
    const head = JSON.parse((await redis.hget(`${prefix}:{0}:open:${id}`, 'head'))!)
    expect(head.callback).toEqual({
      url: 'https://xn--bcher-kva.example/%C3%A4%20b',
      events: DEFAULT_EVENTS,
      base: 'http://accepted.test',
    })
  })

  test('is another request under an Idempotency-Key if its callback is another', async () => {
    const { ask } = await testApp()
    const under = (members: object, headers = {}) =>
      ask(post('/cars', { ...MUSTANG, ...members }, { 'idempotency-key': 'k', ...headers }))
    const first = await under({ callback_url: URL, callback_events: ['failed', 'completed'] })
    const same = await under({ callback_events: ['completed', 'failed'] }, { 'callback-url': URL })
    expect(same.json().task_id).toBe(first.json().task_id)
    for (const other of [{}, { callback_url: URL }, { callback_url: `${URL}2`, callback_events: ['failed'] }])
      expectProblem(await under(other), 422, 'idempotency_conflict')
  })

  test('has the faults of its callback told with those of its input', async () => {
    const { ask, redis, prefix } = await testApp()
    const answer = await ask(carWith({ brand: 7, callback_url: 'ftp://x/', callback_events: ['ended'] }))
    expectProblem(answer, 422, 'invalid_input')
    expect(answer.json().errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '#/brand',
      '#/callback_url',
      '#/callback_events/0',
    ])
    expect(await redis.keys(`${prefix}:*`)).toEqual([])
  })

  test('with a callback is refused where there is no key to sign it with', async () => {
    const { ask } = await testApp({ SECRETS_KEY: '' })
    expectProblem(await ask(carWith({ callback_url: URL })), 422, 'invalid_input', {
      errors: [{ pointer: '#/callback_url', detail: 'is of no use: this installation sends no callbacks' }],
    })
    expect((await ask(post('/cars', MUSTANG))).statusCode).toBe(202)
  })
})

test('what starts no task has no callback: its body’s members are its own, its headers are passed over', async () => {
  const { ask } = await testApp()
  const answer = await ask(post('/orders', { callback_url: URL }))
  expect(answer.json().errors).toContainEqual({
    pointer: '#/callback_url',
    detail: 'is not a known member',
  })
  const read = await ask({
    url: '/cars/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
    headers: { 'callback-url': 'nonsense' },
  })
  expectProblem(read, 404, 'not_found')
})

describe('a target that nobody may have', () => {
  test.each([
    ['hook'],
    ['//shop.example/'],
    ['https://'],
    ['https:shop.example'],
    ['ftp://shop.example/'],
    ['javascript:alert(1)'],
    ['file:///etc/passwd'],
    ['https://user@shop.example/'],
    ['https://:secret@shop.example/'],
    ['https://shop.example:0/'],
    ['https://shop.example:65536/'],
    ['https://shop .example/'],
    ['https://shop.example/\n'],
    ['https://shop..example/'],
    [`https://shop.example/${'x'.repeat(3_000)}`],
    ['http://127.0.0.1/'],
    ['http://127.1/'],
    ['http://2130706433/'],
    ['http://0x7f000001/'],
    ['http://0177.0.0.1/'],
    ['http://①②⑦.0.0.1/'],
    ['http://0/'],
    ['http://[::1]/'],
    ['http://[::ffff:127.0.0.1]/'],
    ['http://[::ffff:7f00:1]/'],
    ['http://[64:ff9b::7f00:1]/'],
    ['http://[fe80::1]/'],
    ['http://10.0.0.1/'],
    ['http://169.254.169.254/latest/meta-data/'],
    ['http://localhost/'],
    ['http://LOCALHOST./'],
    ['http://a.localhost/'],
  ])('%s is refused with 422 that says why', async (url) => {
    const { ask, redis, prefix } = await testApp({ CALLBACK_ALLOW_CIDRS: '' })
    expectProblem(await ask(carWith({ callback_url: url })), 422, 'invalid_input', {
      errors: [{ pointer: '#/callback_url', detail: expect.any(String) }],
    })
    expect(await redis.keys(`${prefix}:*`)).toEqual([])
  })

  test('is refused in a header as well', async () => {
    const { ask } = await testApp({ CALLBACK_ALLOW_CIDRS: '' })
    const answer = await ask(post('/cars', MUSTANG, { 'callback-url': 'http://0x7f.1/' }))
    expectProblem(answer, 422, 'invalid_input', {
      errors: [{ header: 'callback-url', detail: 'leads to a loopback address' }],
    })
  })

  test('is one of plain http where https is required', async () => {
    const { ask } = await appWithDns(() => ['203.0.114.7'], { CALLBACK_REQUIRE_HTTPS: 'true' })
    expectProblem(await ask(carWith({ callback_url: 'http://shop.example/' })), 422, 'invalid_input', {
      errors: [{ pointer: '#/callback_url', detail: 'must be an https URL' }],
    })
    for (const url of ['https://shop.example/', 'http://127.0.0.1/'])
      expect((await ask(carWith({ callback_url: url }))).statusCode, url).toBe(202)
  })
})

describe('a name', () => {
  const TEN = Array.from({ length: 10 }, (_, n) => (n === 7 ? '10.1.2.3' : `203.0.114.${n}`))
  const KNOWN: Record<string, DnsAnswer> = {
    'private.example': ['192.168.0.1'],
    'ten.example': TEN,
    'mapped.example': ['::ffff:10.0.0.1'],
    'failing.example': 'failure',
    'shop.example': ['203.0.114.1', '2606:4700::1111'],
    'xn--bcher-kva.example': ['203.0.114.1'],
  }
  const known = (name: string): DnsAnswer => KNOWN[name] ?? 'no such name'

  test.each([
    ['leads to a private address', 'private.example'],
    ['has ten addresses of which one is private', 'ten.example'],
    ['has an address of IPv4 inside one of IPv6', 'mapped.example'],
  ])('that %s is refused', async (_words, name) => {
    const { ask } = await appWithDns(known)
    expectProblem(await ask(carWith({ callback_url: `https://${name}/` })), 422, 'invalid_input', {
      errors: [{ pointer: '#/callback_url', detail: 'leads to a private address' }],
    })
  })

  test.each([
    ['leads to public addresses', 'shop.example'],
    ['is not of ASCII', 'bücher.example'],
    ['ends with a dot', 'shop.example.'],
    ['leads to nothing', 'nothing.example'],
    ['cannot be asked for just now', 'failing.example'],
  ])('that %s is accepted', async (_words, name) => {
    const { ask } = await appWithDns(known)
    expect((await ask(carWith({ callback_url: `https://${name}/` }))).statusCode).toBe(202)
  })

  test('that hangs delays its own request by half a second, and no other', async () => {
    const { ask } = await appWithDns((name) => (name.startsWith('hang') ? 'silence' : known(name)))
    const seconds = async (url: string) => {
      const from = performance.now()
      expect((await ask(carWith({ callback_url: url }))).statusCode).toBe(202)
      return (performance.now() - from) / 1000
    }
    await seconds('https://shop.example/')
    const hanging = Array.from({ length: 20 }, (_, n) => seconds(`https://hang${n}.example/`))
    let over = 0
    for (const one of hanging) one.then(() => (over += 1))
    await Promise.all(Array.from({ length: 5 }, () => seconds('https://shop.example/')))
    expect(over).toBe(0)
    const longest = Math.max(...(await Promise.all(hanging)))
    expect(longest).toBeGreaterThan(0.4)
    expect(longest).toBeLessThan(2)
  })
})
