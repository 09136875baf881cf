import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { EventStream } from './event-stream.ts'
import { eventsOf } from './testing/event-reader.ts'

const HOUR_MS = 3_600_000
const QUIET = { beatMs: HOUR_MS, drainMs: HOUR_MS }

/** A stream, and its reader, who takes nothing by itself and has room for little. */
function open(limits = QUIET) {
  const reader = new PassThrough({ highWaterMark: 50 })
  const leave = new AbortController()
  const stream = new EventStream(reader as unknown as ServerResponse, limits)
  return { reader, stream, leave }
}

test('a stream says when to come again, tells its events and ends', async () => {
  const { reader, stream, leave } = open()
  await stream.send('id: 1\n\n', leave.signal)
  stream.end(false)
  const blocks = eventsOf(reader)
  expect((await blocks.next()).value).toEqual({ retry: '1000' })
  expect((await blocks.next()).value).toEqual({ id: '1' })
  expect((await blocks.next()).done).toBe(true)
})

test('a stream on which nothing happens has comments', async () => {
  const { reader, stream } = open({ ...QUIET, beatMs: 1 })
  const blocks = eventsOf(reader)
  expect((await blocks.next()).value).toEqual({ retry: '1000' })
  expect((await blocks.next()).value).toEqual({ comment: '' })
  expect((await blocks.next()).value).toEqual({ comment: '' })
  stream.end(false)
})

test('the next event waits until the reader has taken the last', async () => {
  const { reader, stream, leave } = open()
  const sent = stream.send(`data: ${'x'.repeat(200)}\n\n`, leave.signal)
  expect(reader.writableNeedDrain).toBe(true)
  reader.resume()
  await sent
  expect(reader.writableNeedDrain).toBe(false)
  stream.end(false)
})

test('a reader who does not take an event in time is cut off; there are no comments for who takes nothing', async () => {
  const { reader, stream, leave } = open({ beatMs: 1, drainMs: 20 })
  reader.once('close', () => leave.abort())
  const write = vi.spyOn(reader, 'write')
  await stream.send(`data: ${'x'.repeat(200)}\n\n`, leave.signal)
  expect(reader.destroyed).toBe(true)
  expect(write).toHaveBeenCalledTimes(1)
  stream.end(false)
})

test('a reader who does not take the end in time is cut off', async () => {
  const { reader, stream, leave } = open({ ...QUIET, drainMs: 1 })
  const sending = stream.send(`data: ${'x'.repeat(200)}\n\n`, leave.signal)
  leave.abort()
  await sending
  stream.end(false)
  await once(reader, 'close')
  expect(reader.readableEnded).toBe(false)
})

test('when the signal fires nobody is waited for, and nothing more is sent', async () => {
  const { reader, stream, leave } = open()
  const sending = stream.send(`data: ${'x'.repeat(200)}\n\n`, leave.signal)
  leave.abort()
  await sending
  await stream.send('data: more\n\n', leave.signal)
  reader.destroy()
  stream.end(true)
  expect(reader.listenerCount('drain')).toBe(0)
})
