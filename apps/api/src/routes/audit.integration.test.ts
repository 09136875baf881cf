import { newId } from '@accepted/core'
import { describe, expect, test } from 'vitest'
import { expectProblem, post } from '../testing/requests.ts'
import { MUSTANG, testApp } from '../testing/test-app.ts'
import { startTestIssuer } from '../testing/test-issuer.ts'

type Entry = Record<string, string | null>

async function scene(environment: Record<string, string> = {}) {
  const made = await testApp({ AUTH: 'keys', ...environment })
  const as = ({ key }: { key: string }) => ({ authorization: `Bearer ${key}` })
  const client = await made.keys.create({ tenant: 'north', scopes: ['tasks:read', 'tasks:write'] })
  const admin = await made.keys.create({ tenant: 'north', scopes: ['admin'] })
  const audit = async (query = '', headers = as(admin)): Promise<Entry[]> => {
    const answer = await made.ask({ url: `/audit${query}`, headers })
    expect(answer.statusCode).toBe(200)
    return answer.json()
  }
  const start = async (headers = {}): Promise<string> =>
    (await made.ask(post('/cars', MUSTANG, { ...as(client), ...headers }))).json().task_id
  return { ...made, as, client, admin, audit, start }
}

test('every act of a client is told: who, from where, in which request, on what', async () => {
  const { ask, as, client, audit, start } = await scene()
  expect(await audit()).toEqual([])
  const headers = as(client)
  const task = await start({ 'x-request-id': 'order-7' })
  const other = await start()
  await ask({ method: 'POST', url: `/tasks/${task}/cancel`, headers })
  await ask({ method: 'DELETE', url: `/operations/${other}`, headers })
  await ask({ method: 'DELETE', url: `/tasks/${task}`, headers })
  await ask(
    post(
      '/deliveries/redeliver',
      { since: '2020-01-01T00:00:00Z', until: '2020-01-02T00:00:00Z', status: 'failed' },
      headers,
    ),
  )
  await ask({ url: `/cars/${newId()}`, headers: { ...headers, prefer: 'respond-async' } })
  const acts = await audit()
  expect(acts.map(({ action, task_id, operation }) => [action, task_id, operation])).toEqual([
    ['task.create', expect.any(String), 'car.read'],
    ['task.create', expect.any(String), 'callbacks.redeliver'],
    ['task.delete', task, 'car.build'],
    ['task.cancel', other, 'car.build'],
    ['task.cancel', task, 'car.build'],
    ['task.create', other, 'car.build'],
    ['task.create', task, 'car.build'],
  ])
  for (const act of acts) expect(act).toMatchObject({ actor: client.keyId, address: '127.0.0.1' })
  expect(acts.at(-1)).toEqual({
    audit_id: expect.stringMatching(/^aud_/),
    at: expect.stringMatching(/Z$/),
    action: 'task.create',
    actor: client.keyId,
    address: '127.0.0.1',
    request_id: 'order-7',
    task_id: task,
    operation: 'car.build',
    delivery_id: null,
    key_id: null,
    detail: null,
  })
  expect(JSON.stringify(acts)).not.toContain(client.key)
})

test('an IPv4 address is noted as one, on a socket of both kinds, too', async () => {
  const { ask, as, client, audit } = await scene()
  await ask({ ...post('/cars', MUSTANG, as(client)), remoteAddress: '::ffff:192.0.2.7' })
  expect(await audit()).toMatchObject([{ action: 'task.create', address: '192.0.2.7' }])
})

test('what is refused, or changes nothing, is not told', async () => {
  const { ask, as, client, admin, audit, start } = await scene()
  const key = { 'idempotency-key': 'one' }
  const task = await start(key)
  expect(await start(key)).toBe(task)
  const headers = as(client)
  const refused = [
    post('/cars', { ...MUSTANG, color: 'Red' }, { ...headers, ...key }),
    post('/cars', { brand: 7 }, headers),
    post('/cars', MUSTANG, as(admin)),
    post('/cars', MUSTANG),
    post('/cars', MUSTANG, { ...headers, 'max-queue': '0' }),
    post(`/tasks/${task}/confirm`, '', headers),
    post(`/tasks/${newId()}/cancel`, '', headers),
    { method: 'DELETE' as const, url: `/tasks/${task}`, headers },
    post(`/tasks/${task}/deliveries/dlv_${newId()}/redeliver`, '', headers),
  ]
  for (const request of refused) expect((await ask(request)).statusCode).toBeGreaterThanOrEqual(400)
  expect(await audit()).toMatchObject([{ action: 'task.create', task_id: task }])
})

test('it takes the scope admin, and is the tenant’s own', async () => {
  const { ask, as, client, keys, audit, start } = await scene()
  const task = await start()
  expectProblem(await ask('/audit'), 401, 'unauthenticated')
  const refused = await ask({ url: '/audit', headers: as(client) })
  expectProblem(refused, 403, 'forbidden', { detail: 'This takes a key with the scope admin.' })
  const south = as(await keys.create({ tenant: 'south', scopes: ['admin', 'tasks:write'] }))
  await ask(post('/cars', MUSTANG, south))
  const [theirs, ...more] = await audit('', south)
  expect(more).toEqual([])
  expect(theirs!.task_id).not.toBe(task)
  expect(await audit(`?task_id=${task}`, south)).toEqual([])
  // A place in one's trail is one in time to another: it leads nowhere else.
  await start()
  const page = await ask({
    url: '/audit?limit=1',
    headers: as(await keys.create({ tenant: 'north', scopes: ['admin'] })),
  })
  const cursor = /cursor=([^&>]+)/.exec(String(page.headers.link))![1]
  for (const entry of await audit(`?cursor=${cursor}`, south)) expect(entry).toEqual(theirs)
  const answer = await ask({ url: '/audit', headers: south })
  expect(answer.headers['cache-control']).toBe('private, no-cache')
  expect(answer.headers.link).toBeUndefined()
})

test('pages lead on with their filters, while acts are added', async () => {
  const { ask, as, client, admin, audit, start } = await scene()
  const tasks = [await start(), await start(), await start()]
  for (const task of tasks) await ask(post(`/tasks/${task}/cancel`, '', as(client)))
  const seen: (string | null)[] = []
  let url: string | undefined = '/audit?limit=2&action=task.create'
  while (url) {
    const answer: Awaited<ReturnType<typeof ask>> = await ask({ url, headers: as(admin) })
    seen.push(...answer.json().map(({ task_id }: Entry) => task_id))
    url = /^<(\/audit\?[^>]+)>; rel="next"$/.exec(String(answer.headers.link))?.[1]
    await start()
  }
  expect(seen).toEqual([...tasks].reverse())
  const [newest] = await audit('?action=task.cancel')
  expect((await audit(`?created_after=${newest!.at}`)).map(({ action }) => action)).toEqual([
    'task.create',
    'task.create',
  ])
  const before = await audit(`?created_before=${newest!.at}&limit=200`)
  expect(before.length).toBeGreaterThanOrEqual(3)
  expect(await audit(`?task_id=${tasks[0]}`)).toMatchObject([
    { action: 'task.cancel' },
    { action: 'task.create' },
  ])
  expect(await audit('?created_after=9999-12-31T23:59:59.999Z')).toEqual([])
  expect(await audit('?created_before=0000-01-01T00:00:00Z')).toEqual([])
})

test('a query out of form is refused with 422, and its member named', async () => {
  const { ask } = await testApp()
  for (const query of [
    'cursor=x',
    'cursor=',
    `cursor=${Buffer.from('0-0-t').toString('base64url')}`,
    `cursor=${Buffer.from('0-0-k').toString('base64url')}`,
    `cursor=${Buffer.from('1-2-x').toString('base64url')}`,
    `cursor=${Buffer.from('01-2-t').toString('base64url')}`,
    `cursor=${Buffer.from('1-2-t\n').toString('base64url')}`,
    `cursor=${Buffer.from('9999999999999999-0-t').toString('base64url')}`,
    `cursor=${'A'.repeat(201)}`,
    'limit=0',
    'limit=201',
    'limit=ten',
    'action=task.burn',
    'task_id=one',
    'created_after=yesterday',
    'tenant=south',
  ]) {
    const [member] = query.split('=')
    expectProblem(await ask(`/audit?${query}`), 422, 'invalid_input', { errors: [{ query: member }] })
  }
})

describe('who acts', () => {
  test('is anybody where nobody is asked', async () => {
    const { ask } = await testApp()
    await ask(post('/cars', MUSTANG))
    expect((await ask('/audit')).json()).toMatchObject([{ actor: 'anybody', action: 'task.create' }])
  })

  test('is issuer and subject of a token, whatever the subject is made of', async () => {
    const issuer = await startTestIssuer()
    const sign = await issuer.rotate()
    const { ask, admin, audit } = await scene({ OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: 'accepted' })
    const subjects = [
      'Zoë 7',
      'a\nb\u001fc\u001b[31m\u202e',
      `${'x'.repeat(999)}y`,
      'x'.repeat(1_000),
      undefined,
    ]
    for (const sub of subjects) {
      const authorization = `Bearer ${await sign({ sub: sub as string })}`
      expect((await ask(post('/cars', MUSTANG, { authorization }))).statusCode).toBe(202)
    }
    const actors = (await audit()).map(({ actor }) => actor!).reverse()
    expect(actors[0]).toBe(`${issuer.url} Zoë 7`)
    expect(actors[1]).toMatch(/ a\ufffdb\ufffdc\ufffd\[31m\ufffd…[\w-]{16}$/)
    expect(actors[4]).toBe(issuer.url)
    expect(new Set(actors).size).toBe(5)
    for (const actor of actors) expect(actor.length).toBeLessThanOrEqual(200)
    const token = await sign({ scope: 'admin' })
    expect(await audit('', { authorization: `Bearer ${token}` })).toHaveLength(5)
    expect(JSON.stringify(await audit())).not.toContain(token.slice(0, 20))
    expect(admin.keyId).toMatch(/^key_/)
  })

  test('comes from where a trusted proxy says, and nobody else', async () => {
    const forwarded = { 'x-forwarded-for': '198.51.100.1, 203.0.113.7, 10.0.0.1' }
    for (const [TRUST_PROXY, address] of [
      ['true', '10.0.0.1'],
      ['127.0.0.0/8,10.0.0.0/8', '203.0.113.7'],
      ['10.0.0.0/8', '127.0.0.1'],
      ['false', '127.0.0.1'],
    ] as const) {
      const { ask } = await testApp({ TRUST_PROXY })
      await ask(post('/cars', MUSTANG, forwarded))
      expect((await ask('/audit')).json()).toMatchObject([{ address }])
    }
    const { ask } = await testApp({ TRUST_PROXY: 'true' })
    await ask(post('/cars', MUSTANG, { 'x-forwarded-for': `\u0080${'x'.repeat(1_000)}` }))
    const [{ address }] = (await ask('/audit')).json()
    expect(address).toMatch(/^\ufffdx+…[\w-]{16}$/)
    expect(address).toHaveLength(64)
  })
})

test('AUDIT_ENTRIES says how many are kept; with 0 nothing is noted', async () => {
  const silent = await testApp({ AUDIT_ENTRIES: '0' })
  expect((await silent.ask(post('/cars', MUSTANG))).statusCode).toBe(202)
  expect((await silent.ask('/audit')).json()).toEqual([])
  expect(await silent.redis.keys(`${silent.prefix}:*audit*`)).toEqual([])
  const brief = await testApp({ AUDIT_ENTRIES: '1' })
  const starts = Array.from({ length: 200 }, () => brief.ask(post('/cars', MUSTANG)))
  await Promise.all(starts)
  expect((await brief.ask('/audit?limit=200')).json().length).toBeLessThanOrEqual(101)
})
