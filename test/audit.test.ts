import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startTestIssuer } from '@accepted/api/testing'
import { until } from '@accepted/core/testing'
import { respond, startReceiver } from '@accepted/worker/callbacks/testing/receiver'
import { expect, inject, test } from 'vitest'
import { bearer, keysOf } from './keys.ts'
import { startStack } from './stack.ts'

const MUSTANG = { brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }
const CLI = fileURLToPath(new URL('../apps/cli/src/main.ts', import.meta.url))

type Entry = Record<string, string | null>
type Headers = Record<string, string>

test('who did what, with keys and tokens, through API, worker and command line', async () => {
  const issuer = await startTestIssuer()
  const sign = await issuer.rotate()
  const stack = await startStack({
    environment: {
      AUTH: 'keys',
      OIDC_ISSUER: issuer.url,
      OIDC_AUDIENCE: 'accepted',
      CALLBACK_SCHEDULE: '1ms',
    },
  })
  const { ask, api, prefix, secretsKey } = stack
  const cli = async (...line: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...line, '--json'], {
      env: {
        PATH: process.env.PATH,
        REDIS_URL: inject('redisUrl'),
        KEY_PREFIX: prefix,
        SECRETS_KEY: secretsKey,
      },
    })
    return JSON.parse(stdout)
  }
  const client = await cli('keys', 'create', '--tenant', 'north')
  const admin = bearer(await keysOf(stack).create('north', ['admin']))
  const token = await sign({ sub: 'ops@north' })
  const asToken = { authorization: `Bearer ${token}` }
  const post = async (path: string, body: object | null, headers: Headers) => {
    const answer = await ask(path, {
      method: 'POST',
      headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    expect(answer.ok || answer.status === 303).toBe(true)
    return (await answer.json()) as { task_id: string }
  }
  const rested = (taskId: string, statuses: string[]) =>
    until(async () => {
      const answer = await ask(`/tasks/${taskId}`, { headers: bearer(client) })
      const task = (await answer.json()) as { status: string; resource: string }
      return statuses.includes(task.status) && task
    }, 20_000)

  const receiver = await startReceiver(respond('500 No'))
  const callback_url = `http://127.0.0.1:${receiver.port}/?secret=query-mark`
  const marked = { ...MUSTANG, color: 'body-mark', callback_url, callback_events: ['completed'] }
  const car = await post('/cars', marked, bearer(client))
  const { resource } = await rested(car.task_id, ['completed'])
  const reservation = await post(`${resource}/reservations`, {}, bearer(client))
  await rested(reservation.task_id, ['awaiting_confirmation'])
  await post(`/tasks/${reservation.task_id}/confirm`, null, asToken)
  const delivery = await until(async () => {
    const answer = await ask(`/tasks/${car.task_id}/deliveries`, { headers: bearer(client) })
    const [one] = (await answer.json()) as { delivery_id: string; status: string }[]
    return one?.status === 'failed' && one
  }, 20_000)
  await post(`/tasks/${car.task_id}/deliveries/${delivery.delivery_id}/redeliver`, null, asToken)
  const [secret] = await cli('secrets', 'rotate', '--tenant', 'north')
  await cli('keys', 'revoke', client.key_id)

  const answer = await ask('/audit', { headers: admin })
  const acts = (await answer.json()) as Entry[]
  const told = acts.map(({ action, actor, address, task_id, delivery_id, key_id }) =>
    [action, actor!.replace(/^cli:.*/, 'cli'), address, task_id ?? key_id, delivery_id].join(' ').trimEnd(),
  )
  const byToken = `${issuer.url} ops@north 127.0.0.1`
  const byKey = `${client.key_id} 127.0.0.1`
  expect(told).toEqual([
    `key.revoke cli command line ${client.key_id}`,
    'secret.rotate cli command line',
    `delivery.redeliver ${byToken} ${car.task_id} ${delivery.delivery_id}`,
    `task.confirm ${byToken} ${reservation.task_id}`,
    `task.create ${byKey} ${reservation.task_id}`,
    `task.create ${byKey} ${car.task_id}`,
    `key.create cli command line ${client.key_id}`,
  ])
  expect(await cli('audit', 'list', '--tenant', 'north')).toEqual(acts)

  // What nobody may learn is not in it, and logs tell who was refused, and where from.
  const hidden = [client.key, token, secret.secret, admin.authorization.slice(7), 'query-mark', 'body-mark']
  for (const mark of hidden) expect(JSON.stringify(acts)).not.toContain(mark)
  const line = (status: number) =>
    until(async () => api.log.find((one) => one.msg === 'request answered' && one.status === status))
  expect(await line(202)).toMatchObject({ tenant: 'north', caller: client.key_id })
  expect(await line(202)).not.toHaveProperty('address')
  await ask('/tasks')
  expect(await line(401)).toMatchObject({ address: '127.0.0.1' })
  expect(await line(401)).not.toHaveProperty('caller')
  expect((await ask('/audit', { headers: asToken })).status).toBe(403)
  expect(await line(403)).toMatchObject({
    tenant: 'north',
    caller: `${issuer.url} ops@north`,
    address: '127.0.0.1',
  })
  await cli('limits', 'set', '--tenant', 'north', '--requests', '1')
  await until(async () => (await ask('/tasks', { headers: asToken })).status === 429)
  expect(await line(429)).toMatchObject({ tenant: 'north', quota: 'requests' })
})
