import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { type Receiver, respond, startReceiver } from './testing/receiver.ts'
import { sending } from './testing/sending.ts'

const OK = respond('200 OK')
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'

function urlOf({ port }: Receiver): string {
  return `http://127.0.0.1:${port}/hook?a=1`
}

/** Writes for as long as it is read. */
function pour(socket: Socket, chunk: string): void {
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', more)
  more()
}

/** Writes a byte every few ms for as long as there is a connection. */
function drip(socket: Socket, text: string): void {
  let at = 0
  const timer = setInterval(() => socket.write(text[at++ % text.length]!), 10)
  socket.once('close', () => clearInterval(timer))
}

test('a message is posted as it is, and 2xx delivers it', async () => {
  const receiver = await startReceiver(OK)
  const { send, expectNothingLeft } = await sending()
  const outcome = await send(urlOf(receiver), { headers: { 'webhook-id': 'dlv_1' }, body: '{"n":"ü"}' })
  expect(outcome).toEqual({ outcome: 'delivered', httpStatus: 200, durationMs: expect.any(Number) })
  const [request] = receiver.requests
  expect(request).toMatch(/^POST \/hook\?a=1 HTTP\/1\.1\r\n/)
  expect(request).toContain(`host: 127.0.0.1:${receiver.port}\r\n`)
  expect(request).toContain('webhook-id: dlv_1\r\n')
  expect(request).toMatch(/content-length: 10\r\n/)
  expect(Buffer.from(request!, 'latin1').toString()).toMatch(/\r\n\r\n\{"n":"ü"\}$/)
  await expectNothingLeft(receiver)
})

test('a connection is kept for the next message, and given up when it was idle for too long', async () => {
  const receiver = await startReceiver(respond('204 No Content'))
  const { send, agent, expectNothingLeft } = await sending({ idleMs: 200 })
  for (let n = 0; n < 5; n += 1) await send(urlOf(receiver))
  expect(receiver.requests).toHaveLength(5)
  // undici is done with a connection a moment after its answer is read.
  expect(receiver.accepted).toBeLessThanOrEqual(2)
  await expect.poll(() => agent.connections, { timeout: 5_000 }).toBe(0)
  await expectNothingLeft(receiver)
})

test('a receiver that hints at an hour of keeping alive is not obeyed', async () => {
  const receiver = await startReceiver(respond('200 OK', 'keep-alive: timeout=3600\r\n'))
  const { send, agent } = await sending({ idleMs: 200 })
  await send(urlOf(receiver))
  await expect.poll(() => agent.connections, { timeout: 5_000 }).toBe(0)
})

test('with many connections no further one is kept', async () => {
  const receivers = await Promise.all(Array.from({ length: 4 }, () => startReceiver(OK)))
  const { send, agent, expectNothingLeft } = await sending({ mostKept: 2 })
  for (const receiver of receivers) await send(urlOf(receiver))
  expect(receivers.map(({ requests }) => /connection: close/.test(requests[0]!))).toEqual([
    false,
    false,
    true,
    true,
  ])
  await expect.poll(() => agent.connections).toBe(2)
  await expectNothingLeft(...receivers)
})

test.each([
  ['200 OK', { outcome: 'delivered', httpStatus: 200 }],
  ['202 Accepted', { outcome: 'delivered', httpStatus: 202 }],
  ['299 Odd', { outcome: 'delivered', httpStatus: 299 }],
  ['410 Gone', { outcome: 'gone', httpStatus: 410 }],
  ['304 Not Modified', { outcome: 'refused', httpStatus: 304 }],
  ['400 Bad Request', { outcome: 'refused', httpStatus: 400 }],
  ['404 Not Found', { outcome: 'refused', httpStatus: 404 }],
  ['500 Internal Server Error', { outcome: 'refused', httpStatus: 500 }],
  ['999 Whatever', { outcome: 'refused', httpStatus: 999 }],
])('%s is %o', async (status, outcome) => {
  const receiver = await startReceiver(respond(status))
  const { send } = await sending()
  expect(await send(urlOf(receiver))).toMatchObject(outcome)
})

test.each([
  ['120', 120_000],
  ['1000000000', 3_600_000],
  ['1e9', undefined],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
])('a refusal with Retry-After %s asks for %s ms', async (field, retryAfterMs) => {
  const receiver = await startReceiver(respond('429 Too Many Requests', `retry-after: ${field}\r\n`))
  const { send } = await sending()
  expect(await send(urlOf(receiver))).toMatchObject({ outcome: 'refused', httpStatus: 429, retryAfterMs })
})

test.each([301, 302, 303, 307, 308])('a redirect (%d) is not followed', async (status) => {
  const target = await startReceiver(OK)
  const receiver = await startReceiver(respond(`${status} Go`, `location: ${urlOf(target)}\r\n`))
  const { send } = await sending()
  expect(await send(urlOf(receiver))).toMatchObject({ outcome: 'refused', httpStatus: status })
  expect(target.accepted).toBe(0)
})

test.each<[string, (socket: Socket) => void]>([
  ['HTTP/1.0, without keep-alive', (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nthanks')],
  ['a chunk that is broken', (socket) => socket.write(`${CHUNKED}5\r\nhello\r\nnonsense\r\n`)],
  ['a body that breaks off', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhal')],
  [
    'a connection that is reset after the header',
    (socket) => socket.write(CHUNKED, () => socket.resetAndDestroy()),
  ],
  ['a body that never comes', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n')],
  [
    'a body that drips',
    (socket) => {
      socket.write(CHUNKED)
      drip(socket, '1\r\na\r\n')
    },
  ],
])('200 with %s is delivered', async (_, answer) => {
  const receiver = await startReceiver(answer)
  const { send, expectNothingLeft } = await sending()
  expect(await send(urlOf(receiver))).toMatchObject({ outcome: 'delivered', httpStatus: 200 })
  await expect.poll(() => receiver.open).toBe(0)
  await expectNothingLeft(receiver)
})

test.each([
  ['announced', 'HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n', 'a'.repeat(65_536)],
  ['in chunks', CHUNKED, `10000\r\n${'a'.repeat(65_536)}\r\n`],
])('of an answer of 1 GB, %s, the least part is read, and it is delivered', async (_, head, chunk) => {
  let socket: Socket | undefined
  const receiver = await startReceiver((connection) => {
    socket = connection
    socket.write(head)
    pour(socket, chunk)
  })
  const { send, expectNothingLeft } = await sending()
  expect(await send(urlOf(receiver))).toMatchObject({ outcome: 'delivered', httpStatus: 200 })
  await expect.poll(() => receiver.open).toBe(0)
  // What the kernels on both sides hold.
  expect(socket!.bytesWritten).toBeLessThan(32_000_000)
  await expectNothingLeft(receiver)
})

test('informational answers come before the answer', async () => {
  const receiver = await startReceiver((socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n')
    OK(socket)
  })
  const { send, expectNothingLeft } = await sending()
  expect(await send(urlOf(receiver))).toMatchObject({ outcome: 'delivered', httpStatus: 200 })
  await expectNothingLeft(receiver)
})

const CLOSED = 'the connection was closed before an answer'
const NOT_HTTP = 'the answer is not HTTP/1.1'

test.each<[string, string, (socket: Socket) => void]>([
  ['resets', CLOSED, (socket) => socket.resetAndDestroy()],
  ['closes without a word', CLOSED, (socket) => socket.end()],
  ['closes within the header', CLOSED, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le')],
  ['speaks another protocol', NOT_HTTP, (socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n')],
  [
    'switches to another protocol',
    NOT_HTTP,
    (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  ],
  ['answers with a status of 7', NOT_HTTP, (socket) => socket.write('HTTP/1.1 007 Bond\r\n\r\n')],
  [
    'says 100 Continue unasked, which undici does not bear',
    NOT_HTTP,
    (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'),
  ],
  ['answers with HTTP/0.9', NOT_HTTP, (socket) => socket.end('<html>200 OK</html>')],
  [
    'never ends its header',
    'the header of the answer is too long',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      pour(socket, `x-a: ${'a'.repeat(1_000)}\r\n`)
    },
  ],
])('a receiver that %s: %s', async (_, error, answer) => {
  const receiver = await startReceiver(answer)
  const { send, expectNothingLeft } = await sending()
  expect(await send(urlOf(receiver))).toEqual({
    outcome: 'failed',
    error,
    quick: true,
    durationMs: expect.any(Number),
  })
  await expectNothingLeft(receiver)
})

test.each<[string, (socket: Socket) => void]>([
  ['accepts and never answers', () => undefined],
  ['drips its header', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n')],
  ['hints for ever', (socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n')],
])('a receiver that %s is given up in time', async (_, answer) => {
  const receiver = await startReceiver(answer)
  const { send, expectNothingLeft } = await sending()
  const outcome = await send(urlOf(receiver), { timeoutMs: 150 })
  expect(outcome).toMatchObject({ outcome: 'failed', error: 'there was no answer in time', quick: false })
  expect(outcome.durationMs).toBeGreaterThanOrEqual(149)
  await expect.poll(() => receiver.open).toBe(0)
  await expectNothingLeft(receiver)
})

test('a receiver that breaks off after more than a second is not worth a second try at once', async () => {
  const receiver = await startReceiver((socket) => void setTimeout(() => socket.destroy(), 1_050))
  const { send } = await sending()
  expect(await send(urlOf(receiver))).toMatchObject({ outcome: 'failed', error: CLOSED, quick: false })
})

test('nobody listens', async () => {
  const { send, agent } = await sending()
  expect(await send('http://127.0.0.1:1/')).toMatchObject({
    outcome: 'failed',
    error: 'the connection was refused',
    quick: true,
  })
  await expect.poll(() => agent.connections).toBe(0)
})

test('a name that does not exist, and one that hangs, fails in words', async () => {
  const { send, expectNothingLeft } = await sending({
    answer: (name) => (name === 'hang.example' ? 'silence' : 'no such name'),
    connectTimeoutMs: 300,
  })
  expect(await send('http://none.example/')).toMatchObject({
    outcome: 'failed',
    error: 'the host name does not exist',
    quick: true,
  })
  expect(await send('http://hang.example/')).toMatchObject({
    outcome: 'failed',
    error: 'the host name could not be looked up',
  })
  await expectNothingLeft()
})

test('an attempt that is given up from here ends at once, whatever it waits for', async () => {
  const receiver = await startReceiver(() => undefined)
  const { send, expectNothingLeft } = await sending({ answer: () => 'silence' })
  for (const url of [urlOf(receiver), 'http://hang.example/']) {
    const giveUp = new AbortController()
    const attempt = send(url, { signal: giveUp.signal })
    setTimeout(() => giveUp.abort(), 20)
    expect(await attempt).toEqual({ outcome: 'aborted', durationMs: expect.any(Number) })
  }
  expect(await send(urlOf(receiver), { signal: AbortSignal.abort() })).toMatchObject({ outcome: 'aborted' })
  expect(receiver.requests).toHaveLength(1)
  await expectNothingLeft(receiver)
})

test('an agent that closes gives up what is under way', async () => {
  const receiver = await startReceiver(() => undefined)
  const { send, agent, expectNothingLeft } = await sending()
  const attempt = send(urlOf(receiver))
  await expect.poll(() => receiver.requests.length).toBe(1)
  await agent.close()
  expect(await attempt).toMatchObject({ outcome: 'aborted' })
  await expectNothingLeft(receiver)
})

test('one signal for many attempts is left without listeners', async () => {
  const receiver = await startReceiver(OK)
  const { send } = await sending()
  const { signal } = new AbortController()
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners += 1
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners -= 1
    removeEventListener.apply(signal, args)
  }
  for (let n = 0; n < 3; n += 1) await send(urlOf(receiver), { signal })
  expect(listeners).toBe(0)
})

test('many receivers that fail leave nothing behind', async () => {
  const receiver = await startReceiver((socket) => socket.resetAndDestroy())
  const { send, agent, expectNothingLeft } = await sending({ answer: () => ['127.0.0.1'] })
  for (let n = 0; n < 50; n += 1) await send(`http://host${n}.example:${receiver.port}/`)
  await expect.poll(() => agent.connections).toBe(0)
  await expectNothingLeft(receiver)
})

test('after many origins an agent is replaced, and what is under way on it goes on', async () => {
  let late: Socket | undefined
  const receiver = await startReceiver((socket, request) => {
    if (request.includes('host: late')) late = socket
    else OK(socket)
  })
  const { send, agent, expectNothingLeft } = await sending({ answer: () => ['127.0.0.1'], mostOrigins: 3 })
  const first = agent.dispatcher
  const attempt = send(`http://late.example:${receiver.port}/`)
  for (let n = 0; n < 10; n += 1) {
    const outcome = await send(`http://host${n}.example:${receiver.port}/`)
    expect(outcome).toMatchObject({ outcome: 'delivered' })
  }
  expect(agent.dispatcher).not.toBe(first)
  OK(late!)
  expect(await attempt).toMatchObject({ outcome: 'delivered' })
  await expectNothingLeft(receiver)
})
