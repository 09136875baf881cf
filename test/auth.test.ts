import { until } from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { bearer, keysOf } from './keys.ts'
import { startApp, startStack, told } from './stack.ts'

const CAR = {
  method: 'POST',
  body: JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }),
}
const JSON_BODY = { 'content-type': 'application/json' }
const NOWHERE = { REDIS_URL: 'redis://127.0.0.1:1', PORT: '0' }

test('AUTH=none takes a host that only this machine reaches, and is said loudly', async () => {
  for (const HOST of ['0.0.0.0', '::', '192.0.2.1']) {
    const refused = startApp('api', { ...NOWHERE, HOST, AUTH: 'none' })
    await expect(told(refused)).rejects.toThrow(/ended with 78/)
    expect(refused.stderr()).toContain(`AUTH=none: whoever reaches HOST=${HOST} could do anything`)
  }
  const open = startApp('api', { ...NOWHERE, HOST: '127.0.0.1', AUTH: 'none' })
  await told(open)
  const warning = await until(async () => open.log.find(({ msg }) => msg.startsWith('AUTH=none')))
  expect(warning).toMatchObject({ level: 40, host: '127.0.0.1' })
})

test('if nothing is said, requests need keys', async () => {
  const api = startApp('api', { ...NOWHERE, AUTH: '' })
  const { url } = await told(api)
  expect((await fetch(`${url}/tasks`)).status).toBe(401)
  expect(api.log.filter(({ msg }) => msg.startsWith('AUTH'))).toEqual([])
})

test('a revocation reaches every process, and no key ever reaches a log', async () => {
  const stack = await startStack({ environment: { AUTH: 'keys', LOG_LEVEL: 'trace' } })
  const { ask, url, api, workers, startApi } = stack
  const second = startApi()
  const other = String((await told(second)).url)
  const { create, revoke } = keysOf(stack)
  const key = await create('north')
  const headers = { ...JSON_BODY, ...bearer(key) }
  const start = await ask('/cars', { ...CAR, headers })
  expect(start.status).toBe(202)
  const { task_id } = (await start.json()) as { task_id: string }
  // Faults of all kinds, with the key.
  const marks = [key.key, `acc_${'m'.repeat(43)}`, 'not-a-key-mark']
  for (const mark of marks) {
    const authorization = { authorization: `Bearer ${mark}` }
    await ask('/cars', { ...CAR, headers: { ...JSON_BODY, ...authorization }, body: '{' })
    await ask('/nowhere', { headers: authorization })
    await ask(`/tasks/${task_id}`, { headers: authorization })
    await ask('/metrics', { method: 'PUT', headers: authorization })
  }
  await until(async () => (await ask(`/tasks/${task_id}`, { headers })).status === 303)
  const statuses = async () =>
    Promise.all([url, other].map(async (base) => (await fetch(`${base}/tasks`, { headers })).status))
  expect(await statuses()).toEqual([200, 200])
  await revoke(key.keyId)
  await until(async () => (await statuses()).every((status) => status === 401))
  const written = [api, second, ...workers].map(({ log, stderr }) => JSON.stringify(log) + stderr())
  expect(written[0]).toContain('request answered')
  for (const mark of marks) expect(written.join()).not.toContain(mark)
})
