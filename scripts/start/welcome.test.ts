import { expect, test } from 'vitest'
import { welcome } from './welcome.ts'

test('the welcome tells every address, and no password', () => {
  const words = welcome({
    api: 'http://127.0.0.1:3000',
    redis: 'redis://:secret@redis.example:6379',
    redisData: undefined,
    needsKeys: false,
  })
  expect(words).toContain('http://127.0.0.1:3000/openapi.json')
  expect(words).toContain('redis://:***@redis.example:6379')
  expect(words).not.toContain('secret')
})

test('the welcome tells how to get a key, if one is needed, and else that nobody is asked', () => {
  const addresses = { api: 'http://127.0.0.1:3000', redis: 'redis://127.0.0.1:6379', redisData: '/data' }
  const [open, locked] = [false, true].map((needsKeys) => welcome({ ...addresses, needsKeys }))
  expect(open).toContain('AUTH=none')
  expect(open).not.toContain('authorization')
  expect(locked).toContain('keys create --tenant')
  expect(locked!.match(/authorization: Bearer/g)).toHaveLength(2)
})
