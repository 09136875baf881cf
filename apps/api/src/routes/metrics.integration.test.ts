import { expect, test, vi } from 'vitest'
import { MUSTANG, testApp } from '../testing/index.ts'
import { expectProblem } from '../testing/requests.ts'

/** The lines of an exposition, less its comments, by what stands before their values. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}

test('the figures tell of tasks, lanes, the store and requests', async () => {
  const { ask } = await testApp({ MAX_STORED_BYTES: '5000' })
  await ask({ method: 'POST', url: '/cars', payload: MUSTANG })
  await ask({ method: 'POST', url: '/cars', payload: {} })
  const scraped = await ask({ url: '/metrics' })
  expect(scraped.statusCode).toBe(200)
  expect(scraped.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
  const samples = samplesOf(scraped.body)
  expect(Object.fromEntries(samples)).toMatchObject({
    accepted_redis_up: 1,
    accepted_stored_bytes: 0,
    accepted_stored_bytes_max: 5000,
    'accepted_tasks{operation="car.build",status="pending"}': 1,
    'accepted_tasks_created_total{operation="car.build"}': 1,
    'accepted_lane_waiting{lane="car.build"}': 1,
    'accepted_lane_slots{lane="callbacks"}': 0,
    'http_request_duration_seconds_count{method="POST",route="/cars",status="202"}': 1,
    'http_request_duration_seconds_count{method="POST",route="/cars",status="422"}': 1,
  })
  expect(samples.get('accepted_redis_memory_used_bytes')).toBeGreaterThan(100_000)
  // Nobody has ever ticked.
  expect(samples.has('accepted_tick_age_seconds')).toBe(false)
})

test('a request is told by the pattern of its route, however many addresses are asked for', async () => {
  const { ask } = await testApp()
  for (let n = 0; n < 20; n += 1) {
    await ask({ url: `/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a${n + 10}` })
    await ask({ url: `/nowhere/${n}` })
  }
  const samples = samplesOf((await ask({ url: '/metrics' })).body)
  const counts = [...samples].filter(([name]) => name.startsWith('http_request_duration_seconds_count'))
  expect(Object.fromEntries(counts)).toEqual({
    'http_request_duration_seconds_count{method="GET",route="/tasks/:task_id",status="404"}': 20,
    'http_request_duration_seconds_count{method="GET",route="none",status="404"}': 20,
    'http_request_duration_seconds_count{method="GET",route="/openapi.json",status="200"}': 1,
  })
})

test('at an address that others may reach they take a key of the scope admin', async () => {
  const { ask, keys } = await testApp({ HOST: '0.0.0.0', AUTH: 'keys' })
  expectProblem(await ask('/metrics'), 401, 'unauthenticated')
  const answerTo = async (scope: 'tasks:read' | 'admin') => {
    const { key } = await keys.create({ tenant: 'north', scopes: [scope] })
    return ask({ url: '/metrics', headers: { authorization: `Bearer ${key}` } })
  }
  expectProblem(await answerTo('tasks:read'), 403, 'forbidden')
  expect((await answerTo('admin')).body).toContain('accepted_redis_up 1')
})

test('while Redis is away the figures say so, and tell of requests still', async () => {
  const { ask } = await testApp({ REDIS_URL: 'redis://127.0.0.1:1' })
  expect((await ask({ method: 'POST', url: '/cars', payload: MUSTANG })).statusCode).toBe(503)
  const samples = samplesOf((await ask({ url: '/metrics' })).body)
  expect(samples.get('accepted_redis_up')).toBe(0)
  expect([...samples.keys()].filter((name) => name.startsWith('accepted_'))).toEqual(['accepted_redis_up'])
  expect(samples.get('http_request_duration_seconds_count{method="POST",route="/cars",status="503"}')).toBe(1)
})

test('who asks for something else than text is refused', async () => {
  const { ask } = await testApp()
  expect((await ask({ url: '/metrics', headers: { accept: 'application/json' } })).statusCode).toBe(406)
  const prometheus =
    'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1'
  expect((await ask({ url: '/metrics', headers: { accept: prometheus } })).statusCode).toBe(200)
})

test('a process that is outdated tells that Redis is there, and of the store nothing else', async () => {
  const { ask, redis, prefix } = await testApp()
  await redis.set(`${prefix}:{0}:format`, 1_000)
  const scraped = await ask({ url: '/metrics' })
  expect(scraped.statusCode).toBe(200)
  const samples = samplesOf(scraped.body)
  expect(samples.get('accepted_redis_up')).toBe(1)
  expect([...samples.keys()].filter((name) => name.startsWith('accepted_'))).toEqual(['accepted_redis_up'])
})

test('who asks while the figures are made gets those', async () => {
  const { ask, redis } = await testApp()
  await ask('/metrics')
  const sent = vi.spyOn(redis, 'sendCommand')
  await ask('/metrics')
  const alone = sent.mock.calls.length
  sent.mockClear()
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/metrics')))
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(20).fill(200))
  expect(sent.mock.calls.length).toBeLessThan(3 * alone)
  expect((await ask('/metrics')).statusCode).toBe(200)
})
