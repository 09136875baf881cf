import { expect, test } from 'vitest'
import { RedisClock } from './redis-clock.ts'

test('knows nothing before the first reply', () => {
  expect(new RedisClock().known).toBe(false)
})

test('is never ahead of Redis, and believes the reply that was quickest', () => {
  let local = 0
  const clock = new RedisClock(() => local)
  clock.learn(1_000_000 - 900) // 900 ms on its way
  expect(clock.now()).toBe(999_100)
  local = 10
  clock.learn(1_000_010 - 1)
  expect(clock.now()).toBe(1_000_009)
  local = 20
  clock.learn(1_000_020 - 500)
  expect(clock.now()).toBe(1_000_019)
})

test('forgets within a minute, so that a Redis whose clock is behind is believed too', () => {
  let local = 0
  const clock = new RedisClock(() => local)
  clock.learn(1_000_000)
  for (local = 1_000; local <= 61_000; local += 1_000) clock.learn(900_000 + local)
  local = 61_000
  expect(clock.now()).toBe(961_000)
})

test('remembers the last window for one window only', () => {
  let local = 0
  const clock = new RedisClock(() => local)
  clock.learn(1_000_000)
  local = 200_000
  clock.learn(50)
  expect(clock.now()).toBe(50)
})
