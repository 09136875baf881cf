import { once } from 'node:events'
import { connectForAnswers, createLog, newId, Scripts, StoreUnavailable, TenantLimits } from '@accepted/core'
import { freshPrefix } from '@accepted/core/testing'
import { startRedisProxy } from '@accepted/local-redis'
import { carStore, resourceSpace } from '@accepted/operations'
import type { FastifyReply, InjectOptions, LightMyRequestResponse } from 'fastify'
import { afterEach, expect, inject, onTestFinished, test, vi } from 'vitest'
import { quotaApp } from '../testing/quota-app.ts'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'
import { RequestQuota } from './request-quota.ts'
import { SharedBuckets } from './shared-buckets.ts'

afterEach(() => void vi.useRealTimers())

const statusesOf = (answers: { statusCode: number }[]) => answers.map(({ statusCode }) => statusCode).sort()

test('a tenant that has sent more than it may is told when to come again, which helps; no other is touched', async () => {
  const { ask, north, south, passTime } = await quotaApp({ TENANT_REQUESTS: '2' })
  const read = (headers: Record<string, string>) => ask({ url: '/tasks', headers })
  const first = await read(north)
  expect(first.headers['ratelimit-policy']).toBe('"requests";q=10;w=5')
  expect(first.headers.ratelimit).toBe('"requests";r=9;t=1')
  const answers = await Promise.all(Array.from({ length: 12 }, () => read(north)))
  expect(statusesOf(answers)).toEqual([...Array(9).fill(200), ...Array(3).fill(429)])
  const refused = answers.find(({ statusCode }) => statusCode === 429)!
  expectProblem(refused, 429, 'quota_exceeded', { quota: 'requests', limit: 2 })
  expect(refused.headers).toMatchObject({ 'retry-after': '1', ratelimit: '"requests";r=0;t=5' })
  // Nothing else of such a request is looked at.
  const refusedStart = await ask(post('/cars', '{', north))
  expectProblem(refusedStart, 429, 'quota_exceeded')
  const other = await read(south)
  expect([other.statusCode, other.headers.ratelimit]).toEqual([200, '"requests";r=9;t=1'])

  const metrics = await ask({ url: '/metrics' })
  expect(metrics.body).toContain('http_quota_refusals_total{quota="requests"} 4')

  await passTime(Number(refused.headers['retry-after']) * 1000)
  const again = await Promise.all([read(north), read(north), read(north)])
  expect(statusesOf(again)).toEqual([200, 200, 429])
})

test('API processes share what a tenant has', async () => {
  const one = await quotaApp({ TENANT_REQUESTS: '1' })
  const other = await testApp({ AUTH: 'keys', TENANT_REQUESTS: '1', KEY_PREFIX: one.prefix })
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => (n % 2 ? one : other).ask({ url: '/tasks', headers: one.north })),
  )
  expect(statusesOf(answers)).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
})

test('a page of a list counts as a request for every four entries, afterwards: what is more than was left is owed', async () => {
  const { ask, north, south, passTime } = await quotaApp({ TENANT_REQUESTS: '2' })
  const list = (query = '') => ask({ url: `/tasks${query}`, headers: north })
  const left = (answer: LightMyRequestResponse) =>
    Number(/;r=(\d+);/.exec(String(answer.headers.ratelimit))![1])
  for (let n = 0; n < 40; n++) {
    if (n % 10 === 0) await passTime(5_000)
    expect((await ask(post('/cars', MUSTANG, north))).statusCode).toBe(202)
  }
  // Two tokens a second come back meanwhile, so that a slow machine may have one more.
  for (const [query, tokens] of [
    ['?limit=4', 1],
    ['?limit=5', 2],
    ['?limit=21', 6],
    ['?status=running', 1],
  ] as const) {
    await passTime(5_000)
    expect(10 - left(await list(query))).toBeOneOf([tokens, tokens - 1])
  }
  await passTime(5_000)
  await list('?limit=12')
  const owing = await ask({ url: '/operations', headers: north })
  expect([owing.statusCode, left(owing)]).toEqual([200, 0])
  // Three and ten of ten are owed to a bucket that holds ten: at two a second.
  const refused = await list()
  expectProblem(refused, 429, 'quota_exceeded', { quota: 'requests' })
  expect(Number(refused.headers['retry-after'])).toBeOneOf([1, 2])
  expect(refused.headers.ratelimit).toMatch(/^"requests";r=0;t=[67]$/)
  expect((await ask({ url: '/tasks', headers: south })).statusCode).toBe(200)
  await passTime(2_000)
  expect((await list('?limit=1')).statusCode).toBe(200)
})

test('cars are a list, too; acts that a filter of the trail passes over count as a tenth of an entry', async () => {
  const { ask, keys, redis, prefix } = await quotaApp({ TENANT_REQUESTS: '1' })
  const { key } = await keys.create({ tenant: 'north', scopes: ['admin', 'tasks:read', 'tasks:write'] })
  const asked = async (request: InjectOptions) => {
    // Full again.
    await redis.del(`${prefix}:quota:requests:north`)
    return ask({ ...request, headers: { ...request.headers, authorization: `Bearer ${key}` } })
  }
  for (let n = 0; n < 80; n++) expect((await asked(post('/cars', MUSTANG))).statusCode).toBe(202)
  const store = carStore(resourceSpace(redis, prefix, 'north'))
  for (let n = 0; n < 40; n++)
    await store.put({ ...MUSTANG, car_id: newId(), built_at: new Date().toISOString(), reserved_by: null })
  /** One comes back each second. */
  const missing = async (url: string) => {
    const answer = await asked({ url })
    expect(answer.statusCode).toBe(200)
    return Number(/;t=(\d+)$/.exec(String(answer.headers.ratelimit))![1])
  }
  expect(await missing('/cars?limit=40')).toBe(10)
  expect(await missing('/audit?limit=80')).toBe(20)
  expect(await missing('/audit?action=key.revoke&limit=1')).toBe(2)
})

test('16 KiB of a body, and of a task that is read, count as a request', async () => {
  const { ask, north, redis, prefix } = await quotaApp({ TENANT_REQUESTS: '1' })
  const missing = async (request: InjectOptions) => {
    await redis.del(`${prefix}:quota:requests:north`)
    const answer = await ask({ ...request, headers: { ...request.headers, ...north } })
    // One comes back each second.
    return { answer, missing: Number(/;t=(\d+)$/.exec(String(answer.headers.ratelimit))![1]) }
  }
  const body = JSON.stringify(MUSTANG).padEnd(160_000)
  const start = post('/cars', '')
  const large = await missing({ ...start, payload: body })
  expect([large.answer.statusCode, large.missing]).toEqual([202, 10])
  const { task_id: taskId } = large.answer.json()
  for (const [method, url, statusCode] of [
    ['HEAD', `/tasks/${taskId}`, 202],
    ['GET', `/operations/${taskId}`, 200],
    ['GET', '/tasks', 200],
  ] as const) {
    const read = await missing({ method, url })
    expect([read.answer.statusCode, read.missing]).toEqual([statusCode, url === '/tasks' ? 1 : 10])
  }
  // Of a body that nobody wants, too.
  const unread = await missing({
    ...start,
    url: `/tasks/${taskId}/cancel`,
    payload: `[${' '.repeat(40_000)}`,
  })
  expect([unread.answer.statusCode, unread.missing]).toEqual([202, 3])
})

test('whatever a tenant is answered tells how it stands, and who has no good key is not counted', async () => {
  const { ask, north, keys } = await quotaApp()
  const { key } = await keys.create({ tenant: 'north', scopes: ['tasks:read'] })
  const url = '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
  const answers = [
    await ask(post('/cars', MUSTANG, north)),
    await ask(post('/cars', {}, north)),
    await ask({ url, headers: north }),
    await ask(post('/cars', MUSTANG, { authorization: `Bearer ${key}` })),
  ]
  expect(statusesOf(answers)).toEqual([202, 403, 404, 422])
  for (const { headers } of answers) {
    expect(headers['ratelimit-policy']).toBe('"requests";q=5000;w=5')
    expect(headers.ratelimit).toMatch(/^"requests";r=49\d\d;t=1$/)
  }
  for (const request of [{ url }, { url, headers: { authorization: 'Bearer x' } }, { url: '/healthz' }]) {
    expect((await ask(request)).headers.ratelimit).toBeUndefined()
  }
})

test('what an operator has set goes before the default within seconds; 0 is any number', async () => {
  const { ask, north, south, limits } = await quotaApp({ TENANT_REQUESTS: '1000' })
  await limits.set('south', { requests: 0 })
  const policy = async (headers: Record<string, string>) =>
    (await ask({ url: '/tasks', headers })).headers['ratelimit-policy']
  await expect.poll(() => policy(south), { timeout: 5_000, interval: 100 }).toBeUndefined()
  expect(await policy(north)).toBe('"requests";q=5000;w=5')
  await limits.set('north', { requests: 7 })
  await expect.poll(() => policy(north), { timeout: 5_000, interval: 100 }).toBe('"requests";q=35;w=5')
})

test('a polite client of 100 connections is let through', async () => {
  const { ask, north, passTime, redis, prefix } = await quotaApp()
  const order = await Promise.all(Array.from({ length: 100 }, () => ask(post('/cars', MUSTANG, north))))
  expect(new Set(statusesOf(order))).toEqual(new Set([202]))
  const polls = await Promise.all(
    order.map((answer) => ask({ url: String(answer.headers.location), headers: north })),
  )
  expect(new Set(statusesOf(polls))).toEqual(new Set([202]))

  // Nine requests a second on each connection, for ten seconds.
  const buckets = new SharedBuckets({ redis, prefix: `${prefix}:quota:requests`, withoutRedis: 'closed' })
  const limits = { read: async () => [null] }
  const quota = new RequestQuota({ buckets, limits, perSecond: 1_000, log: createLog('test', 'silent') })
  const reply = { header: () => reply } as unknown as FastifyReply
  for (let second = 0; second < 10; second++) {
    await Promise.all(Array.from({ length: 900 }, () => quota.admit('polite', reply)))
    await passTime(1_000)
  }
  await expect(
    Promise.all(Array.from({ length: 6_000 }, () => quota.admit('polite', reply))),
  ).rejects.toMatchObject({ code: 'quota_exceeded' })
})

test('a Redis that does not answer is waited for once for all, and by none for its limit', async () => {
  const line = await startRedisProxy(inject('redisUrl'))
  const redis = connectForAnswers(line.url, createLog('test', 'silent'))
  onTestFinished(async () => {
    redis.disconnect()
    await line.close()
  })
  await once(redis, 'ready')
  const prefix = freshPrefix()
  const quota = new RequestQuota({
    buckets: new SharedBuckets({ redis, prefix, withoutRedis: 'closed' }),
    limits: new TenantLimits(new Scripts(redis, prefix, null)),
    perSecond: 1_000,
    log: createLog('test', 'silent'),
  })
  const reply = { header: () => reply } as unknown as FastifyReply
  await quota.admit('north', reply)
  await line.set('mute')
  const began = performance.now()
  const first = expect(quota.admit('south', reply)).rejects.toThrow(StoreUnavailable)
  await first
  // 250 ms; the look-up alone would be a second.
  expect(performance.now() - began).toBeLessThan(900)
  const next = performance.now()
  for (let n = 0; n < 3; n++) await expect(quota.admit('south', reply)).rejects.toThrow(StoreUnavailable)
  expect(performance.now() - next).toBeLessThan(200)
})

test('what tells of the process itself is not counted', async () => {
  const { ask, keys } = await quotaApp({ TENANT_REQUESTS: '1', HOST: '0.0.0.0' })
  const { key } = await keys.create({ tenant: 'north', scopes: ['admin'] })
  const answers = []
  for (let n = 0; n < 7; n++) {
    answers.push(await ask({ url: '/metrics', headers: { authorization: `Bearer ${key}` } }))
  }
  expect(statusesOf(answers)).toEqual(Array(7).fill(200))
  expect(answers[0]!.headers.ratelimit).toBeUndefined()
})

test('a start costs the create script and one count, and those of one turn share both', async () => {
  const { ask, north, redis, prefix } = await quotaApp()
  const sent = vi.spyOn(redis, 'sendCommand')
  const starts = async (count: number) => {
    sent.mockClear()
    await Promise.all(Array.from({ length: count }, () => ask(post('/cars', MUSTANG, north))))
    const scripts = sent.mock.calls
      .map(([{ name, args }]) => ({ name, key: String(args[2]), args: args.slice(3) }))
      .filter(({ name }) => name.startsWith('eval'))
    return {
      // 19 arguments a task; looking limits up, now and then by the side, has fewer.
      creates: scripts.filter(({ key, args }) => key === `${prefix}:{0}:` && args.length >= 19).length,
      counts: scripts.filter(({ key }) => key === `${prefix}:quota:requests:north`).length,
      ofQuotas: scripts.filter(({ key }) => key.startsWith(`${prefix}:quota:`)).length,
    }
  }
  await starts(1)
  expect(await starts(1)).toEqual({ creates: 1, counts: 1, ofQuotas: 1 })
  expect(await starts(10)).toEqual({ creates: 1, counts: 1, ofQuotas: 1 })
})
