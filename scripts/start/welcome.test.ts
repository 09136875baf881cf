import { expect, test } from 'vitest'
import { welcome } from './welcome.ts'

test('the welcome tells every address, and no password', () => {
  const words = welcome({
    api: 'http://127.0.0.1:3000',
    redis: 'redis://:secret@redis.example:6379',
    redisData: undefined,
  })
  expect(words).toContain('http://127.0.0.1:3000/openapi.json')
  expect(words).toContain('redis://:***@redis.example:6379')
  expect(words).not.toContain('secret')
})
