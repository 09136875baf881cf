import { once } from 'node:events'
import { connect as connectTo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { rawConnections } from '../testing/raw-connection.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'
import { listenAlso } from './listen-also.ts'

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
const LAST = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
const CAR = JSON.stringify(MUSTANG)
const post = (field: string, path = '/cars') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${field}\r\n\r\n`
const codeOf = (answer: { body: Buffer } | undefined) => JSON.parse(String(answer?.body)).code

/** Short, so that a test need not wait for the real ones. */
const SHORT = { headMs: 200, requestMs: 400, lookedAtEveryMs: 20, idleMs: 200, lingerMs: 300 }

async function started(options: Parameters<typeof testApp>[1] = {}, environment = {}) {
  const found = await testApp(environment, options)
  return { ...found, connect: await rawConnections(found.app) }
}

test('a connection on which no head arrives in time is answered 408 and ends', async () => {
  const { connect } = await started({ connectionLimits: SHORT })
  for (const sent of ['', 'G', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n']) {
    const { send, answers } = await connect()
    if (sent) send(sent)
    const [answer] = await answers()
    expect([answer!.status, codeOf(answer)], sent).toEqual([408, 'request_timeout'])
  }
})

test('a body that dawdles is answered 408, and its connection ends', async () => {
  const { connect } = await started({ connectionLimits: SHORT })
  const { send, answers, socket } = await connect()
  send(post('Content-Length: 1000'))
  const trickle = setInterval(() => socket.writable && send(' '), 20)
  const [answer] = await answers()
  clearInterval(trickle)
  expect([answer!.status, codeOf(answer)]).toEqual([408, 'request_timeout'])
})

test('a connection that is idle between requests ends without a word', async () => {
  const { connect } = await started({ connectionLimits: SHORT })
  const { send, answers } = await connect()
  send(HEALTH)
  expect((await answers()).map(({ status }) => status)).toEqual([200])
})

test('who never closes its own side is cut off all the same', async () => {
  const { app, connect } = await started({ connectionLimits: SHORT })
  const { send, answers } = await connect()
  send('nonsense\r\n\r\n')
  expect((await answers())[0]!.status).toBe(400)
  await until(async () => (await openAt(app.server)) === 0)
})

test.each([
  ['with its length', 'Content-Length: 50000000', (bytes: Buffer) => bytes],
  [
    'in chunks',
    'Transfer-Encoding: chunked',
    (bytes: Buffer) =>
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]),
  ],
])(
  'a body that is too large, %s, is answered while it is sent, and the answer arrives',
  async (_how, field, framed) => {
    const { connect } = await started()
    const { send, answers, socket, soFar } = await connect()
    send(post(field))
    const block = framed(Buffer.alloc(100_000, ' '))
    let sent = 0
    // On and on, as a client does that looks at the answer only when all is sent.
    while (soFar().length === 0 && sent < 500) {
      sent += 1
      if (!socket.write(block)) await Promise.race([once(socket, 'drain'), once(socket, 'data')])
      await pause(0)
    }
    for (let more = 0; more < 5; more += 1) socket.write(block)
    const [answer, ...others] = await answers()
    expect([answer!.status, answer!.headers.connection, codeOf(answer), others]).toEqual([
      413,
      'close',
      'too_large',
      [],
    ])
    expect(sent).toBeLessThan(100)
  },
)

test('a client that waits to be told so sends its body; one that is refused is not asked for it', async () => {
  const { connect } = await started()
  const asked = await connect()
  asked.send(post(`Expect: 100-continue\r\nContent-Length: ${CAR.length}`))
  await until(async () => asked.soFar().length === 1)
  asked.send(`${CAR}${LAST}`)
  expect((await asked.answers()).map(({ status }) => status)).toEqual([100, 202, 200])

  for (const [path, length, status] of [
    ['/nowhere', 2, 404],
    ['/cars', 2_000_000, 413],
  ] as const) {
    const refused = await connect()
    refused.send(post(`Expect: 100-continue\r\nContent-Length: ${length}`, path))
    const answers = await refused.answers()
    expect(answers.map((answer) => [answer.status, answer.headers.connection])).toEqual([[status, 'close']])
  }
})

test('nobody is told to continue who did not ask', async () => {
  const { connect } = await started()
  const { send, answers } = await connect()
  send(`${post(`Content-Length: ${CAR.length}`)}${CAR}${LAST}`)
  expect((await answers()).map(({ status }) => status)).toEqual([202, 200])
})

test('a short body that nobody reads costs no connection', async () => {
  const { connect } = await started()
  const { send, answers } = await connect()
  send(`${post('Content-Length: 1000', '/nowhere')}${' '.repeat(1_000)}${LAST}`)
  expect((await answers()).map(({ status }) => status)).toEqual([404, 200])
})

test('nonsense after a request is told after its answer, never within it', async () => {
  const { connect, ask } = await started()
  const { task_id: taskId } = (await ask({ method: 'POST', url: '/cars', payload: MUSTANG })).json()
  const { send, answers } = await connect()
  send(`GET /tasks/${taskId} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=1\r\n\r\nnonsense\r\n\r\n`)
  const [first, second, ...more] = await answers()
  expect([first!.status, JSON.parse(String(first!.body)).task_id]).toEqual([202, taskId])
  expect([second!.status, codeOf(second), more]).toEqual([400, 'malformed_request', []])
})

test('requests that are sent without awaiting answers are answered in their order, up to a limit', async () => {
  const { connect } = await started()
  const { send, answers } = await connect()
  send(`${HEALTH.repeat(31)}${LAST}`)
  expect((await answers()).map(({ status }) => status)).toEqual(Array(32).fill(200))

  const flood = await connect()
  flood.send('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1_000))
  const told = await flood.answers()
  expect(told.slice(0, 32).every(({ status }) => status === 200)).toBe(true)
  expect([told[32]!.status, codeOf(told[32]), told.length]).toEqual([429, 'too_many_pipelined', 33])
})

test('who sends many requests and reads nothing has one answer made, not all', async () => {
  const { app, connect } = await started()
  let made = 0
  app.server.prependListener('request', (_request, response) => {
    const { end } = response
    response.end = ((...given: Parameters<typeof end>) => {
      made += 1
      return end.apply(response, given)
    }) as typeof end
  })
  const stuck = await connect()
  stuck.socket.pause()
  stuck.send('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(200))
  const healthy = await connect()
  healthy.send(LAST)
  expect((await healthy.answers())[0]!.status).toBe(200)
  const before = made
  stuck.socket.resume()
  const told = await stuck.answers()
  expect(told.length).toBe(33)
  // What the kernel takes of the first ones is gone; the rest were made once those before them were read.
  expect(before).toBeLessThan(33)
})

test('an address has so many connections, and one more is told that they are too many', async () => {
  const { connect } = await started({ connectionLimits: { connectionsPerAddress: 3 } })
  const held = await Promise.all([connect(), connect(), connect()])
  const over = await connect()
  over.send(HEALTH)
  const [answer] = await over.answers()
  expect([answer!.status, codeOf(answer), answer!.headers['retry-after']]).toEqual([
    503,
    'too_many_connections',
    '1',
  ])
  held[0]!.send(LAST)
  expect((await held[0]!.answers())[0]!.status).toBe(200)
  await once(held[0]!.socket.end(), 'close')
  await until(async () => {
    const next = await connect()
    next.send(LAST)
    return (await next.answers())[0]!.status === 200
  })
})

test('one connection too many that says nothing does not stay', async () => {
  const { app, connect } = await started({ connectionLimits: { connections: 10 } })
  await Promise.all(Array.from({ length: 10 }, connect))
  const over = await connect()
  await until(async () => (await openAt(app.server)) === 11)
  await over.answers()
  await until(async () => (await openAt(app.server)) === 10)
})

test('behind a proxy that is trusted no address has a limit of its own', async () => {
  const { connect } = await started(
    { connectionLimits: { connectionsPerAddress: 1 } },
    { TRUST_PROXY: 'true' },
  )
  const both = await Promise.all([connect(), connect()])
  for (const { send } of both) send(LAST)
  for (const { answers } of both) expect((await answers())[0]!.status).toBe(200)
})

test('a client that does not read its answers is cut off, others are served meanwhile', async () => {
  const { app, connect } = await started({
    connectionLimits: { lookedAtEveryMs: 20, readMs: 200, readBytesPerSecond: 10_000_000 },
  })
  const stuck = await connect()
  stuck.socket.pause()
  // More than the kernel keeps for either side.
  for (let batch = 0; batch < 200; batch += 1)
    stuck.send('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(10))
  const healthy = await connect()
  healthy.send(LAST)
  expect((await healthy.answers())[0]!.status).toBe(200)
  await until(async () => (await openAt(app.server)) === 0)
})

test('two hundred clients that never come to an end are sent away in time, and others are served meanwhile', async () => {
  const { app, connect } = await started({
    connectionLimits: { headMs: 1_000, requestMs: 1_000, lookedAtEveryMs: 50, lingerMs: 100 },
  })
  const slow = await Promise.all(Array.from({ length: 200 }, connect))
  for (const [at, { send }] of slow.entries()) {
    send(at % 2 === 0 ? 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n' : post('Content-Length: 4096'))
  }
  const drip = setInterval(() => {
    for (const [at, { socket, send }] of slow.entries())
      if (socket.writable) send(at % 2 === 0 ? 'X: y\r\n' : ' ')
  }, 100)
  let served = 0
  let isOver = false
  const sentAway = Promise.all(slow.map(({ answers }) => answers())).then((all) => {
    isOver = true
    return all
  })
  while (!isOver) {
    const healthy = await connect()
    healthy.send(LAST)
    expect((await healthy.answers())[0]!.status).toBe(200)
    served += 1
  }
  clearInterval(drip)
  expect((await sentAway).map(([answer]) => answer!.status)).toEqual(Array(200).fill(408))
  expect(served).toBeGreaterThan(1)
  await until(async () => (await openAt(app.server)) === 0)
})

test('who asks for CONNECT and breaks off breaks nothing else', async () => {
  const { app, connect } = await started()
  const { send, answers } = await connect()
  send('CONNECT a.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect((await answers())[0]!.status).toBe(405)
  for (let at = 0; at < 20; at += 1) {
    const { send, socket } = await connect()
    send('CONNECT a.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n')
    if (at % 2 === 0) await once(socket, 'data')
    socket.resetAndDestroy()
  }
  await until(async () => (await openAt(app.server)) <= 1)
})

test('CONNECT is answered in its turn', async () => {
  const { connect, ask } = await started()
  const CONNECT = 'CONNECT a.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const behind = await connect()
  behind.send(`${post('Content-Length: 2')}{}${HEALTH}${CONNECT}`)
  expect((await behind.answers()).map(({ status }) => status)).toEqual([422, 200, 405])

  const { task_id: taskId } = (await ask({ method: 'POST', url: '/cars', payload: MUSTANG })).json()
  const waiting = await connect()
  waiting.send(`GET /tasks/${taskId} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=1\r\n\r\n${CONNECT}`)
  expect((await waiting.answers()).map(({ status }) => status)).toEqual([202, 405])

  const streaming = await connect()
  streaming.send(`GET /tasks/${taskId}/events HTTP/1.1\r\nHost: localhost\r\n\r\n${CONNECT}`)
  await until(async () => String(streaming.soFar()[0]?.body).includes('event:'))
  await ask({ method: 'POST', url: `/tasks/${taskId}/cancel` })
  // A stream is the last answer of its connection.
  const told = await streaming.answers()
  expect([told.length, String(told[0]!.body)]).toEqual([
    1,
    expect.stringMatching(/event: canceled\n.*\n\n$/s),
  ])
})

test('a wait for which there is no place is answered as things are; a stream tells that and when to come again', async () => {
  const { connect, ask } = await started({}, { MAX_CONNECTIONS: '10' })
  const { task_id: taskId } = (await ask({ method: 'POST', url: '/cars', payload: MUSTANG })).json()
  // Half of 10 are for one tenant.
  const held = await Promise.all(Array.from({ length: 5 }, connect))
  for (const { send } of held) send(`GET /tasks/${taskId}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  await until(async () => held.every(({ soFar }) => String(soFar()[0]?.body).includes('event:')))

  const over = await connect()
  over.send(
    `GET /tasks/${taskId} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=60\r\nConnection: close\r\n\r\n`,
  )
  expect((await over.answers())[0]).toMatchObject({ status: 202 })
  const late = await connect()
  late.send(`GET /tasks/${taskId}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  const [stream] = await late.answers()
  expect(String(stream!.body)).toMatch(/retry: 10000\n.*"status":"pending".*\n\n/s)

  held[0]!.socket.destroy()
  await until(async () => {
    const again = await connect()
    again.send(`GET /tasks/${taskId}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await until(async () => String(again.soFar()[0]?.body).includes('event:'))
    return String(again.soFar()[0]!.body).includes('retry: 1000\n')
  })
})

test('connections to further addresses are served and limited as the others', async () => {
  const { app } = await started()
  const [other] = await listenAlso(app.server, ['127.0.0.1', '127.0.0.2', '192.0.2.1'])
  const { port } = app.server.address() as { port: number }
  const socket = connectTo(port, '127.0.0.2').end(LAST)
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part)
  expect(String(Buffer.concat(parts))).toMatch(/^HTTP\/1\.1 200 /)
  other!.close()
})

async function openAt(server: {
  getConnections(callback: (error: Error | null, count: number) => void): unknown
}) {
  return new Promise<number>((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}
