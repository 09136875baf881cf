import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { CallbackMessage } from '@accepted/contract'
import { compileCheck, connectForWork, createLog, Scripts, Sealer, TenantSecrets } from '@accepted/core'
import { until } from '@accepted/core/testing'
import { makeCertificate } from '@accepted/worker/callbacks/testing/certificates'
import { respond, startReceiver } from '@accepted/worker/callbacks/testing/receiver'
import { Webhook } from 'standardwebhooks'
import { expect, inject, onTestFinished, test } from 'vitest'
import { type Stack, startStack } from './stack.ts'

const MUSTANG = { brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }

interface Message {
  type: string
  data: { task_id: string; status: string; version: number; progress: number; resource: string | null }
}

async function order(
  { ask }: Stack,
  callback: { callback_url: string; callback_events?: string[] },
): Promise<string> {
  const answer = await ask('/cars', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...MUSTANG, ...callback }),
  })
  expect(answer.status).toBe(202)
  return ((await answer.json()) as { task_id: string }).task_id
}

const faultsOf = compileCheck(CallbackMessage)

/** The messages of requests as they came, verified and in the form that is described. */
function messagesOf(requests: string[], secret: string): { id: string; message: Message }[] {
  return requests.map((request) => {
    const text = Buffer.from(request, 'latin1').toString()
    const [head, body] = [text.slice(0, text.indexOf('\r\n\r\n')), text.slice(text.indexOf('\r\n\r\n') + 4)]
    const headers = Object.fromEntries(
      head
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(': ') as [string, string]),
    )
    const message = new Webhook(secret).verify(body, headers) as Message
    expect(faultsOf(message)).toEqual([])
    return { id: headers['webhook-id']!, message }
  })
}

/** The secret of the tenant, as the command line would tell it. */
async function secretOf({ prefix, secretsKey }: Stack): Promise<string> {
  const redis = connectForWork(inject('redisUrl'), createLog('test', 'silent'))
  try {
    const scripts = new Scripts(redis, prefix, null)
    const sealer = new Sealer([Buffer.from(secretsKey, 'base64')])
    const [current] = await new TenantSecrets(scripts, sealer).of('default')
    return current!.secret
  } finally {
    redis.disconnect()
  }
}

/** The receiver of `examples/`, as a process of its own; what it says, a line an entry. */
async function exampleReceiver(
  secret: string,
): Promise<{ url: string; said: string[]; child: ChildProcess }> {
  const program = fileURLToPath(new URL('../examples/receiver/receiver.js', import.meta.url))
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, WEBHOOK_SECRET: secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, 'exit')
  })
  const said: string[] = []
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface(stream).on('line', (line) => void said.push(line))
  }
  const url = await until(async () => /http:\S+/.exec(said[0] ?? '')?.[0])
  return { url, said, child }
}

test('the example receiver verifies what comes, and takes each message once', async () => {
  const stack = await startStack()
  const secret = await secretOf(stack)
  const { url, said } = await exampleReceiver(secret)
  const taskId = await order(stack, { callback_url: url })
  const line = await until(async () => said.find((words) => words.includes(taskId)))
  expect(line).toMatch(new RegExp(`^task.completed ${taskId} /cars/[0-9a-f-]{36}$`))

  const headers = new Map([['webhook-id', 'dlv_1']])
  const body = JSON.stringify({ type: 'task.completed', data: { task_id: 'one', resource: null } })
  const timestamp = new Date()
  headers.set('webhook-timestamp', String(Math.floor(timestamp.getTime() / 1000)))
  headers.set('webhook-signature', new Webhook(secret).sign('dlv_1', timestamp, body))
  const post = (sent: string) =>
    fetch(url, { method: 'POST', headers: Object.fromEntries(headers), body: sent })
  expect((await post(body)).status).toBe(204)
  expect((await post(body)).status).toBe(204)
  expect((await post(body.replace('one', 'two'))).status).toBe(401)
  expect(said.filter((words) => words.startsWith('task.completed one'))).toHaveLength(1)
})

test('a callback comes again after each answer that is none, with the same id, until it is delivered', async () => {
  const stack = await startStack({ environment: { CALLBACK_SCHEDULE: '50ms,50ms,50ms' } })
  const answers = ['500 Oops', '302 Found', '429 Slow']
  const receiver = await startReceiver((socket) => respond(answers.shift() ?? '200 OK')(socket))
  const taskId = await order(stack, { callback_url: `http://127.0.0.1:${receiver.port}/` })
  const deliveries = async () =>
    (await stack.ask(`/tasks/${taskId}/deliveries`)).json() as Promise<{ status: string }[]>
  await until(async () => (await deliveries())[0]?.status === 'delivered')
  expect(await deliveries()).toMatchObject([
    { event: 'completed', attempts: [500, 302, 429, 200].map((http_status) => ({ http_status })) },
  ])
  const messages = messagesOf(receiver.requests, await secretOf(stack))
  expect(new Set(messages.map(({ id }) => id)).size).toBe(1)
  expect(messages).toHaveLength(4)
  expect(messages[0]!.message).toMatchObject({ type: 'task.completed', data: { task_id: taskId } })
})

test('a worker that is killed while it sends is followed by another, which sends the same again', async () => {
  const stack = await startStack({ environment: { CALLBACK_TIMEOUT_SECONDS: '1' } })
  let answering = false
  const receiver = await startReceiver((socket) => {
    if (answering) respond('200 OK')(socket)
  })
  const taskId = await order(stack, { callback_url: `http://127.0.0.1:${receiver.port}/` })
  await until(async () => receiver.requests.length === 1)
  await stack.workers[0]!.end('SIGKILL')
  answering = true
  stack.startWorker()
  await until(async () => receiver.requests.length === 2, 20_000)
  const messages = messagesOf(receiver.requests, await secretOf(stack))
  expect(messages[1]).toEqual(messages[0])
  expect(messages[0]!.message.data).toMatchObject({ task_id: taskId, status: 'completed' })
}, 40_000)

test('a worker that stands still while it sends has no more say once another has sent the same', async () => {
  const stack = await startStack({ environment: { CALLBACK_TIMEOUT_SECONDS: '1' } })
  const frozen = stack.workers[0]!
  let answering = false
  const receiver = await startReceiver((socket) => {
    if (answering) respond('200 OK')(socket)
  })
  const taskId = await order(stack, { callback_url: `http://127.0.0.1:${receiver.port}/` })
  await until(async () => receiver.requests.length === 1)
  frozen.child.kill('SIGSTOP')
  answering = true
  stack.startWorker()
  const deliveries = async () => (await stack.ask(`/tasks/${taskId}/deliveries`)).json()
  const delivered = [{ status: 'delivered', attempts: [{ http_status: 200 }] }]
  await expect.poll(deliveries, { timeout: 30_000 }).toMatchObject(delivered)
  const before = await deliveries()
  frozen.child.kill('SIGCONT')
  // Its own attempt was given up when it was thawed.
  await until(async () =>
    frozen.log.some(({ msg }) => msg === 'fenced off: another worker has the delivery, or it is gone'),
  )
  expect(await deliveries()).toEqual(before)
  expect(messagesOf(receiver.requests, await secretOf(stack))).toHaveLength(2)
}, 40_000)

test('a worker that is told to stop in the middle of sending leaves the delivery to another', async () => {
  const stack = await startStack()
  let answering = false
  const receiver = await startReceiver((socket) => {
    if (answering) respond('200 OK')(socket)
  })
  await order(stack, { callback_url: `http://127.0.0.1:${receiver.port}/` })
  await until(async () => receiver.requests.length === 1)
  expect(await stack.workers[0]!.end('SIGTERM')).toBe(0)
  answering = true
  stack.startWorker()
  await until(async () => receiver.requests.length === 2)
})

test('an endpoint and the slow ones of a tenant have no more callbacks at once than the settings say, and none takes longer', async () => {
  const stack = await startStack({
    environment: {
      CALLBACK_CONCURRENCY: '8',
      CALLBACK_ENDPOINT_CONCURRENCY: '2',
      CALLBACK_TIMEOUT_SECONDS: '3',
      CAR_STEP_MS: '5',
    },
  })
  const receivers = [await startReceiver(() => undefined), await startReceiver(() => undefined)]
  const orders = receivers.flatMap(({ port }) =>
    Array.from({ length: 3 }, () => order(stack, { callback_url: `http://127.0.0.1:${port}/` })),
  )
  const ids = await Promise.all(orders)
  const read = async <T>(path: string) => (await (await stack.ask(path)).json()) as T
  const running: number[][] = []
  const [first] = await until(async () => {
    running.push((await read<{ running: number }[]>('/endpoints')).map((endpoint) => endpoint.running))
    const deliveries = await Promise.all(
      ids.map((taskId) =>
        read<{ attempts: { error: string; duration_ms: number }[] }[]>(`/tasks/${taskId}/deliveries`),
      ),
    )
    const attempts = deliveries.flat().flatMap((delivery) => delivery.attempts)
    return attempts.length > 0 && attempts
  })
  const sums = running.map((endpoints) => endpoints.reduce((sum, count) => sum + count, 0))
  expect(Math.max(...running.flat())).toBe(2)
  // Half of three quarters of all slots, as nothing is known of either receiver.
  expect(Math.max(...sums)).toBe(3)
  expect(first!.error).toBe('there was no answer in time')
  expect(first!.duration_ms).toBeLessThan(15_000)
})

test('a receiver that was let alone gets all that waited once it is well', async () => {
  const stack = await startStack({
    environment: { CALLBACK_SCHEDULE: Array(100).fill('100ms').join(), CAR_STEP_MS: '5' },
  })
  let answer = '503 Later'
  const receiver = await startReceiver((socket) => respond(answer)(socket))
  const callback_url = `http://127.0.0.1:${receiver.port}/`
  await Promise.all(Array.from({ length: 20 }, () => order(stack, { callback_url })))
  const endpoint = async () => {
    const [found] = (await (await stack.ask('/endpoints')).json()) as { breaker: string; backlog: number }[]
    return found
  }
  await until(async () => (await endpoint())?.breaker === 'open')
  answer = '204 No Content'
  await until(async () => (await endpoint())!.backlog === 0)
  const messages = messagesOf(receiver.requests, await secretOf(stack))
  expect(new Set(messages.map(({ id }) => id)).size).toBe(20)
  expect(await endpoint()).toMatchObject({ breaker: 'closed' })
})

test('every message of two hundred tasks arrives, each of the event that it tells of', async () => {
  const stack = await startStack({ workers: 2, environment: { CAR_STEP_MS: '5' } })
  const receiver = await startReceiver(respond('204 No Content'))
  const callback_url = `http://127.0.0.1:${receiver.port}/`
  const ids = await Promise.all(
    Array.from({ length: 200 }, () =>
      order(stack, { callback_url, callback_events: ['started', 'completed'] }),
    ),
  )
  await until(async () => receiver.requests.length >= 400, 30_000)
  const messages = messagesOf(receiver.requests, await secretOf(stack))
  const told = (type: string) =>
    messages.filter(({ message }) => message.type === type).map(({ message }) => message.data)
  expect(
    told('task.started')
      .map(({ task_id }) => task_id)
      .sort(),
  ).toEqual(ids.toSorted())
  expect(
    told('task.completed')
      .map(({ task_id }) => task_id)
      .sort(),
  ).toEqual(ids.toSorted())
  expect(new Set(messages.map(({ id }) => id)).size).toBe(400)
  expect(told('task.started').every(({ status, version }) => status === 'running' && version === 2)).toBe(
    true,
  )
  expect(told('task.completed').every(({ resource }) => resource !== null)).toBe(true)
}, 60_000)

test('a receiver of a private authority that asks for a certificate gets ours', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'accepted-tls-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const authority = await makeCertificate('authority', { isAuthority: true })
  const theirs = await makeCertificate('localhost', { by: authority, hosts: ['localhost'] })
  const ours = await makeCertificate('accepted', { by: authority })
  const files = { CALLBACK_TLS_CA: authority.cert, CALLBACK_TLS_CERT: ours.cert, CALLBACK_TLS_KEY: ours.key }
  const environment: Record<string, string> = {}
  for (const [name, pem] of Object.entries(files)) {
    environment[name] = join(folder, name)
    await writeFile(environment[name], pem)
  }
  const subjects: unknown[] = []
  const tls = { ...theirs, ca: authority.cert, requestCert: true, rejectUnauthorized: true }
  const receiver = await startReceiver(
    (socket) => {
      subjects.push((socket as TLSSocket).getPeerCertificate().subject.CN)
      respond('200 OK')(socket)
    },
    { tls },
  )
  const stack = await startStack({ environment })
  await order(stack, { callback_url: `https://localhost:${receiver.port}/` })
  await until(async () => subjects.length > 0)
  expect(subjects).toEqual(['accepted'])
})

test('without the authority the same receiver is not trusted, and its deliveries tell why', async () => {
  const authority = await makeCertificate('authority', { isAuthority: true })
  const theirs = await makeCertificate('localhost', { by: authority, hosts: ['localhost'] })
  const receiver = await startReceiver(respond('200 OK'), { tls: theirs })
  const stack = await startStack()
  const taskId = await order(stack, { callback_url: `https://localhost:${receiver.port}/` })
  const [delivery] = await until(async () => {
    const found = (await (await stack.ask(`/tasks/${taskId}/deliveries`)).json()) as {
      attempts: { error: string }[]
    }[]
    return found[0]?.attempts.length === 2 && found
  })
  expect(receiver.requests).toEqual([])
  expect(delivery).toMatchObject({
    status: 'pending',
    attempts: [{ error: expect.stringContaining('certificate') }, {}],
  })
})

test('what failed while a receiver was out comes once it is well: one by asking for it, all by a recovery', async () => {
  const stack = await startStack({ environment: { CALLBACK_SCHEDULE: '1ms' } })
  let answer = '410 Gone'
  const receiver = await startReceiver((socket) => respond(answer)(socket))
  const callback_url = `http://127.0.0.1:${receiver.port}/`
  const post = (path: string, body?: object) =>
    stack.ask(path, {
      method: 'POST',
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    })
  const ids = await Promise.all(Array.from({ length: 12 }, () => order(stack, { callback_url })))
  const deliveries = async () => {
    const lists = ids.map(async (id) => (await stack.ask(`/tasks/${id}/deliveries`)).json())
    return ((await Promise.all(lists)) as { delivery_id: string; status: string }[][]).flat()
  }
  const are = (status: string, count: number) =>
    until(async () => (await deliveries()).filter((delivery) => delivery.status === status).length === count)
  await are('failed', 12)

  answer = '204 No Content'
  const first = (await deliveries())[0]!.delivery_id
  expect((await post(`/tasks/${ids[0]}/deliveries/${first}/redeliver`)).status).toBe(202)
  await are('delivered', 1)
  const started = await post('/deliveries/redeliver', {
    since: new Date(Date.now() - 3_600_000).toISOString(),
    until: new Date(Date.now() + 3_600_000).toISOString(),
    status: 'failed',
  })
  expect(started.status).toBe(202)
  await are('delivered', 12)
  const { result } = (await until(async () => {
    const task = (await (await stack.ask(started.headers.get('location')!)).json()) as { status: string }
    return task.status === 'completed' && task
  })) as { result?: unknown }
  expect(result).toEqual({ redelivered: 11 })
  const messages = messagesOf(receiver.requests, await secretOf(stack))
  expect([messages.length, new Set(messages.map(({ id }) => id)).size]).toEqual([24, 12])
  expect(await (await stack.ask('/endpoints')).json()).toMatchObject([
    { endpoint: callback_url.slice(0, -1), breaker: 'closed', backlog: 0 },
  ])
})
