import { expect, it } from 'vitest'
import { RecentCache } from './cache.ts'

it('remembers what was used lately and forgets the rest', () => {
  const cache = new RecentCache<number, string>(3)
  for (let i = 0; i < 100; i++) {
    cache.set(i, `value ${i}`)
    expect(cache.get(0), 'what is asked for again and again stays').toBe('value 0')
  }
  expect([97, 98, 99].map((key) => cache.get(key))).toEqual(['value 97', 'value 98', 'value 99'])
  expect([1, 50, 90].map((key) => cache.get(key))).toEqual([undefined, undefined, undefined])
})
