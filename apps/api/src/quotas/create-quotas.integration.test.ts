import { expect, test } from 'vitest'
import { quotaApp } from '../testing/quota-app.ts'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

test('a tenant with as many waiting tasks as it may have is told so, and no other tenant is touched', async () => {
  const { ask, north, south } = await quotaApp({ TENANT_WAITING: '2' })
  const order = (tenant: object, headers = {}) => ask(post('/cars', MUSTANG, { ...tenant, ...headers }))
  for (const key of ['a', 'b']) expect((await order(north, { 'idempotency-key': key })).statusCode).toBe(202)
  const refused = await order(north)
  expectProblem(refused, 429, 'quota_exceeded', { quota: 'waiting', limit: 2, used: 2 })
  // Nobody works: nothing leaves the lane.
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(540)
  expect((await order(north, { 'idempotency-key': 'b' })).statusCode).toBe(202)
  expect((await ask({ url: '/tasks', headers: north })).json()).toHaveLength(2)
  expect((await order(south)).statusCode).toBe(202)
  const report = post('/orders/reports', { start_date: '2021-10-01', end_date: '2021-10-02' }, north)
  expect((await ask(report)).statusCode).toBe(202)
})

test('Retry-After of a quota of waiting tasks is how long the lane takes to have room', async () => {
  const { ask, north, south, redis, prefix } = await quotaApp({ TENANT_WAITING: '3' })
  // Two slots that take 8 s a car: one each 4 s, every other one of them of the tenant.
  await redis.lpush(`${prefix}:{0}:recent:car.build`, 8_000, 8_000, 8_000)
  await redis.zadd(`${prefix}:{0}:slots:car.build`, 9e15, 'worker 2')
  for (let n = 0; n < 3; n++) {
    for (const tenant of [north, south]) await ask(post('/cars', MUSTANG, tenant))
  }
  const refused = await ask(post('/cars', MUSTANG, north))
  expectProblem(refused, 429, 'quota_exceeded', { used: 3 })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(8)
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(10)
})

test('one that waits for few tasks of its own to end is told the time of those, not that of the whole lane', async () => {
  const { ask, north, redis, prefix } = await quotaApp({ TENANT_STORED_BYTES: '4000' })
  // A task ends each second, in eight slots; of this tenant's two one each four seconds.
  await redis.lpush(`${prefix}:{0}:recent:car.build`, 8_000, 8_000, 8_000)
  await redis.zadd(`${prefix}:{0}:slots:car.build`, 9e15, 'worker 8')
  await redis.hset(`${prefix}:{0}:lane:car.build`, 'slots', 8)
  for (let n = 0; n < 2; n++) expect((await ask(post('/cars', MUSTANG, north))).statusCode).toBe(202)
  const refused = await ask(post('/cars', MUSTANG, north))
  expectProblem(refused, 429, 'quota_exceeded', { quota: 'stored' })
  expect(Number(refused.headers['retry-after'])).toBe(5)
})

test('a start that can never fit is told so without a Retry-After; one that waits for nobody knows what, the longest', async () => {
  const { ask, north, redis, prefix } = await quotaApp({ TENANT_STORED_BYTES: '4000' })
  const order = (model: number, headers = {}) =>
    ask(post('/cars', { ...MUSTANG, model }, { ...north, ...headers }))
  const first = await order(2014)
  expect(first.statusCode).toBe(202)
  await order(2014)
  const refused = await order(2014)
  expectProblem(refused, 429, 'quota_exceeded', { quota: 'stored', limit: 4000 })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(540)
  // One of each kind of limit: what fits beside nothing, and beside nothing that goes.
  await redis.hset(`${prefix}:{0}:limits`, { 'north stored': 1_000 })
  const never = await order(2014)
  expectProblem(never, 413, 'too_large')
  expect(never.json().detail).toContain('may take 1000')
  expect(never.headers['retry-after']).toBeUndefined()
})

test('with AUTH=none there are no quotas', async () => {
  const { ask, redis, prefix } = await testApp({ TENANT_WAITING: '1' })
  await redis.hset(`${prefix}:{0}:limits`, { 'default waiting': 1 })
  for (let n = 0; n < 3; n++) expect((await ask(post('/cars', MUSTANG))).statusCode).toBe(202)
})
