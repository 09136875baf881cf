import { once } from 'node:events'
import { connect } from 'node:net'
import { until } from '@accepted/core/testing'
import { expect, onTestFinished, test } from 'vitest'
import type { StreamLimits } from '../event-stream.ts'
import { taskEventsOf } from '../testing/event-reader.ts'
import { handWorker } from '../testing/hand-worker.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'

/** An API with a task, and a hand that does its work. */
async function setUp({ body = JSON.stringify(MUSTANG), limits = {} as Partial<StreamLimits> } = {}) {
  const test = await testApp({}, { streamLimits: limits })
  const hand = handWorker(test.redis, test.prefix)
  const headers = { 'content-type': 'application/json' }
  const taskId = (await test.ask({ method: 'POST', url: '/cars', headers, payload: body })).json()
    .task_id as string
  const url = `/tasks/${taskId}/events`
  /** A stream of the task's events. */
  const follow = async (lastEventId?: string) => {
    const answer = await test.ask({
      url,
      payloadAsStream: true,
      headers: {
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
    })
    const events = answer.statusCode === 200 ? taskEventsOf(answer.stream()) : undefined
    const next = async () => {
      const { value } = await events!.next()
      return value ? `${value.name} ${value.task.version}` : 'over'
    }
    return { answer, events: events!, next }
  }
  const watched = () => until(async () => (await hand.subscriptions(taskId)) === 1)
  return { ...test, ...hand, taskId, url, follow, watched }
}

test('a stream tells the task as it is, then every change, and ends after the end', async () => {
  const { follow, claim, work, complete, ask, taskId } = await setUp()
  const { answer, next, events } = await follow()
  expect(answer.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'private, no-store, no-transform',
    'x-accel-buffering': 'no',
    'x-request-id': expect.stringMatching(/./),
  })
  expect(await next()).toBe('update 1')
  const claimed = await claim()
  expect(await next()).toBe('started 2')
  await work.progress(claimed, 10)
  expect(await next()).toBe('progress 3')
  await work.step(claimed, 'stamp', 'begun')
  expect(await next()).toBe('update 4')
  await complete(claimed)
  const last = await events.next()
  expect(last.value).toMatchObject({ name: 'completed', task: { version: 5, status: 'completed' } })
  expect(last.value?.task).toEqual((await ask(`/tasks/${taskId}`)).json())
  expect(await next()).toBe('over')
})

test('a task that is canceled, and one that has ended already, are told as that, and the stream ends', async () => {
  const { follow, ask, taskId } = await setUp()
  const { next } = await follow()
  expect(await next()).toBe('update 1')
  await ask({ method: 'POST', url: `/tasks/${taskId}/cancel` })
  expect(await next()).toBe('canceled 2')
  expect(await next()).toBe('over')
  const late = await follow()
  expect(await late.next()).toBe('canceled 2')
  expect(await late.next()).toBe('over')
})

test('who knows the present version is told nothing before the next', async () => {
  const { follow, claim, watched, work } = await setUp()
  const claimed = await claim()
  const { next } = await follow('2')
  const first = next()
  await watched()
  await work.progress(claimed, 10)
  expect(await first).toBe('progress 3')
})

test.each(['1', '99', '', '02', 'W/"2"', 'nonsense', '-2', '9'.repeat(500), '2, 2'])(
  'who says that the last event was %s is told the task as it is at once',
  async (lastEventId) => {
    const { follow, claim } = await setUp()
    await claim()
    const { next } = await follow(lastEventId)
    expect(await next()).toBe('started 2')
  },
)

test('who knows the end is told to come no more', async () => {
  const { follow, claim, complete } = await setUp()
  await complete(await claim())
  const { answer } = await follow('3')
  expect(answer.statusCode).toBe(204)
  expect(await (await follow('2')).next()).toBe('completed 3')
})

test('an unknown task, one that is gone and one that cannot be read have no stream but a problem', async () => {
  const { ask, claim, complete, taskId, url } = await setUp()
  await complete(await claim())
  await ask({ method: 'DELETE', url: `/tasks/${taskId}` })
  for (const [path, status] of [
    [url, 410],
    ['/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b/events', 404],
    ['/tasks/nonsense/events', 404],
  ] as const) {
    const answer = await ask({ url: path, headers: { accept: 'text/event-stream' } })
    expect(answer.statusCode, path).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  }
  const away = await testApp({ REDIS_URL: 'redis://127.0.0.1:1' })
  expect((await away.ask(url)).statusCode).toBe(503)
})

test('HEAD has the stream’s head; other methods and other forms are refused', async () => {
  const { ask, url, subscriptions, taskId } = await setUp()
  const head = await ask({ method: 'HEAD', url })
  expect([head.statusCode, head.headers['content-type'], head.body]).toEqual([200, 'text/event-stream', ''])
  expect(await subscriptions(taskId)).toBe(0)
  const post = await ask({ method: 'POST', url })
  expect([post.statusCode, post.headers.allow]).toEqual([405, 'GET, HEAD'])
  expect((await ask({ url, headers: { accept: 'application/json' } })).statusCode).toBe(406)
})

test('a body with line breaks is told on one line', async () => {
  const { follow } = await setUp({ body: JSON.stringify(MUSTANG, null, '\r\n  ') })
  const { events } = await follow()
  const { value } = await events.next()
  expect(value?.task.request.body).toEqual(MUSTANG)
})

test('twenty streams of one task share its subscription, and leave none behind', async () => {
  const { app, url, claim, watched, taskId, subscriptions } = await setUp()
  const base = await app.listen({ port: 0 })
  const leaving = new AbortController()
  const streams = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const { body } = await fetch(`${base}${url}`, { signal: leaving.signal })
      return taskEventsOf(body as AsyncIterable<Uint8Array>)
    }),
  )
  const all = () => Promise.all(streams.map(async (events) => (await events.next()).value?.task.version))
  expect(new Set(await all())).toEqual(new Set([1]))
  await watched()
  await claim()
  expect(new Set(await all())).toEqual(new Set([2]))
  leaving.abort()
  await Promise.allSettled(streams.map((events) => events.next()))
  await until(async () => (await subscriptions(taskId)) === 0)
})

test('an app that closes ends its streams in order', async () => {
  const { app, url } = await setUp()
  const base = await app.listen({ port: 0 })
  const { body } = await fetch(`${base}${url}`)
  const events = taskEventsOf(body as AsyncIterable<Uint8Array>)
  expect((await events.next()).value?.name).toBe('update')
  await app.close()
  expect((await events.next()).done).toBe(true)
})

/** A reader over a connection of its own, who takes nothing before `read`. */
async function slowReader(base: string, path: string) {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  return socket
}

/** Larger than what sockets hold once it was sent some times. */
const LARGE = `${JSON.stringify(MUSTANG)}${' '.repeat(900_000)}`

test('what a slow reader misses is told as one, and the last is not lost', async () => {
  const { app, url, claim, watched, work, complete } = await setUp({ body: LARGE })
  const base = await app.listen({ port: 0 })
  const reader = await slowReader(base, url)
  await watched()
  const claimed = await claim()
  for (let percent = 1; percent <= 60; percent += 1) await work.progress(claimed, percent)
  await complete(claimed)
  let text = ''
  for await (const part of reader) text += part
  const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  expect(ids.length).toBeLessThan(40)
  expect(ids).toEqual(ids.toSorted((a, b) => a - b))
  expect(ids.at(-1)).toBe(63)
  expect(text).toMatch(/event: completed/)
})

test('a reader who takes nothing is cut off', async () => {
  const limits = { drainMs: 50, beatMs: 10 }
  const { app, url, claim, watched, work, subscriptions, taskId } = await setUp({ body: LARGE, limits })
  const base = await app.listen({ port: 0 })
  const reader = await slowReader(base, url)
  await watched()
  const claimed = await claim()
  let percent = 0
  await until(async () => {
    percent += 1
    await work.progress(claimed, percent)
    return (await subscriptions(taskId)) === 0
  })
  const ended = once(reader, 'close')
  reader.on('error', () => {}).resume()
  await ended
})
