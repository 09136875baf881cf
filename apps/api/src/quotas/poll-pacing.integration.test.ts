import { afterEach, expect, test, vi } from 'vitest'
import { handWorker } from '../testing/hand-worker.ts'
import { quotaApp } from '../testing/quota-app.ts'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG } from '../testing/test-app.ts'
import { PollPacing } from './poll-pacing.ts'
import { SharedBuckets } from './shared-buckets.ts'

afterEach(() => void vi.useRealTimers())

async function polled(environment = {}) {
  // Nothing is known of any task: each poll is told to wait for a minute.
  const app = await quotaApp({ RETRY_AFTER_MIN: '60', ...environment })
  const order = async () => String((await app.ask(post('/cars', MUSTANG, app.north))).headers.location)
  const poll = (url: string, headers = {}) => app.ask({ url, headers: { ...app.north, ...headers } })
  const polls = async (url: string, count: number) => {
    const answers = []
    for (let n = 0; n < count; n++) answers.push(await poll(url))
    return answers.map(({ statusCode }) => statusCode)
  }
  const sent = vi.spyOn(app.redis, 'sendCommand')
  /** How often tokens of early polls were asked for: a bucket of few is soon full, and gone. */
  const counted = () =>
    sent.mock.calls.filter(([{ args }]) => String(args[2]).startsWith(`${app.prefix}:quota:polls:`)).length
  return { ...app, order, poll, polls, counted }
}

test('a task that is polled far faster than Retry-After asks for is refused past a burst, and no other is', async () => {
  const { order, poll, polls, passTime } = await polled()
  const [url, other] = [await order(), await order()]
  const statuses = await polls(url, 75)
  // One on time, sixty early ones, and those that became due meanwhile.
  expect(statuses.slice(0, 61)).toEqual(Array(61).fill(202))
  expect(statuses).toContain(429)
  const refused = await vi.waitUntil(async () => {
    const answer = await poll(url)
    return answer.statusCode === 429 && answer
  })
  expectProblem(refused, 429, 'polling_too_fast', { quota: 'polls' })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(50)
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
  expect(await polls(other, 5)).toEqual(Array(5).fill(202))
  await passTime(10_000)
  expect((await polls(url, 15)).slice(0, 15)).toEqual(Array(15).fill(202))
}, 30_000)

test('long polls that are held, streams and polls of what has ended do not count', async () => {
  const { ask, north, order, poll, polls, counted, redis, prefix } = await polled()
  const url = await order()
  const { etag } = (await poll(url)).headers
  const held = await Promise.all(
    [{}, { 'if-none-match': String(etag) }].map((known) => poll(url, { prefer: 'wait=1', ...known })),
  )
  expect(held.map(({ statusCode }) => statusCode)).toEqual([202, 304])
  const stream = ask({ url: `${url}/events`, headers: north })
  const worker = handWorker(redis, prefix)
  await worker.complete(await worker.claim())
  expect((await stream).body).toContain('event: completed')
  expect(await polls(url, 80)).toEqual(Array(80).fill(303))
  // Each of them came long before it was told to.
  expect(counted()).toBe(0)
}, 30_000)

test('what prefers to wait but is answered at once is a poll', async () => {
  const { order, poll, polls } = await polled()
  const url = await order()
  await polls(url, 1)
  const stale = { prefer: 'wait=60', 'if-none-match': 'W/"0-monitor"' }
  const statuses = []
  for (let n = 0; n < 75; n++) statuses.push((await poll(url, stale)).statusCode)
  expect(statuses.slice(0, 60)).toEqual(Array(60).fill(202))
  expect(statuses).toContain(429)
}, 30_000)

test('so is what finds no place to be held', async () => {
  // Five of a tenant are held.
  const { order, poll, counted } = await polled({ MAX_CONNECTIONS: '10' })
  const url = await order()
  await poll(url)
  const waits = (count: number) =>
    Promise.all(Array.from({ length: count }, () => poll(url, { prefer: 'wait=1' })))
  await waits(5)
  expect(counted()).toBe(0)
  expect((await waits(7)).map(({ statusCode }) => statusCode)).toEqual(Array(7).fill(202))
  expect(counted()).toBe(2)
}, 30_000)

test('a poller that comes each second is let through for ever; so is one that does as it is told', async () => {
  const { redis, prefix, passTime } = await quotaApp()
  let nowMs = 1_000_000
  const buckets = new SharedBuckets({ redis, prefix: `${prefix}:quota:polls`, withoutRedis: 'closed' })
  const pacing = new PollPacing(buckets, () => nowMs)
  for (let n = 0; n < 300; n++) {
    await pacing.admit('north', 'each-second')
    pacing.told('north', 'each-second', 30)
    nowMs += 1_000
    await passTime(1_000)
  }
  // Where none came early there is no bucket.
  for (let n = 0; n < 100; n++) {
    await pacing.admit('north', 'polite')
    pacing.told('north', 'polite', 30)
    nowMs += 29_950
  }
  expect((await redis.keys(`${prefix}:quota:polls:*`)).map((key) => key.split(':').at(-1))).not.toContain(
    'polite',
  )
})
