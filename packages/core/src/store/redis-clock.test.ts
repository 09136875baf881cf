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

test('forgets within a minute, so that a Redis whose clock is a little behind is believed too', () => {
  let local = 0
  const clock = new RedisClock(() => local)
  clock.learn(1_000_000)
  for (local = 1_000; local <= 61_000; local += 1_000) clock.learn(997_000 + local)
  local = 61_000
  expect(clock.now()).toBe(1_058_000)
})

test('believes at once a Redis whose clock was set back, lest what is refused be accepted later', () => {
  let local = 0
  const clock = new RedisClock(() => local)
  clock.learn(1_000_000)
  local = 10
  clock.learn(970_010)
  expect(clock.now()).toBe(970_010)
  local = 20
  // One that was on its way while this process stood still does harm until the next.
  clock.learn(950_000)
  clock.learn(970_020)
  expect(clock.now()).toBe(970_020)
})

test('remembers the last window for one window only', () => {
  let local = 0
  const clock = new RedisClock(() => local)
  clock.learn(1_000_000)
  local = 200_000
  clock.learn(50)
  expect(clock.now()).toBe(50)
})
