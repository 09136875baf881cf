import { expect, test } from 'vitest'
import { Remembered } from './remembered.ts'

/** What was fetched counts up. */
function counting({ most = 10 } = {}) {
  let now = 0
  const fetched: string[] = []
  const remembered = new Remembered({
    fetch: async (key) => {
      fetched.push(key)
      if (key === 'faulty') throw new Error('away')
      return fetched.length
    },
    forMs: 100,
    most,
    monotonic: () => now,
  })
  return { remembered, fetched, pass: (ms: number) => (now += ms) }
}

test('a value is fetched once in its time, and again after it', async () => {
  const { remembered, pass } = counting()
  expect(await Promise.all([remembered.get('a'), remembered.get('a')])).toEqual([1, 1])
  pass(99)
  expect(await remembered.get('a')).toBe(1)
  pass(1)
  expect(await remembered.get('a')).toBe(2)
})

test('a fault is told to all who share the fetch, and not kept', async () => {
  const { remembered, fetched } = counting()
  const asked = [remembered.get('faulty'), remembered.get('faulty')]
  for (const answer of asked) await expect(answer).rejects.toThrow('away')
  await expect(remembered.get('faulty')).rejects.toThrow('away')
  expect(fetched).toHaveLength(2)
})

test('of too many, the one that was fetched first is forgotten', async () => {
  const { remembered, fetched, pass } = counting({ most: 2 })
  for (const key of ['a', 'b']) await remembered.get(key)
  pass(100)
  for (const key of ['a', 'c', 'a']) await remembered.get(key)
  expect(fetched).toEqual(['a', 'b', 'a', 'c'])
})
