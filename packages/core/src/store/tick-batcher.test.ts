import { expect, test } from 'vitest'
import { TickBatcher } from './tick-batcher.ts'

function doubler(largest: number) {
  const calls: number[][] = []
  const batcher = new TickBatcher<number, number>(async (items) => {
    calls.push(items)
    if (items.includes(13)) throw new Error('unlucky')
    return items.map((item) => item * 2)
  }, largest)
  return { calls, batcher }
}

test('what is asked in one turn goes in one call, and each gets its own outcome', async () => {
  const { calls, batcher } = doubler(100)
  expect(await Promise.all([1, 2, 3].map((n) => batcher.add(n)))).toEqual([2, 4, 6])
  expect(await batcher.add(4)).toBe(8)
  expect(calls).toEqual([[1, 2, 3], [4]])
})

test('no call is larger than allowed', async () => {
  const { calls, batcher } = doubler(2)
  await Promise.all([1, 2, 3, 4, 5].map((n) => batcher.add(n)))
  expect(calls).toEqual([[1, 2], [3, 4], [5]])
})

test('a full call does not wait for the end of the turn; the rest of the turn goes together', async () => {
  const { calls, batcher } = doubler(2)
  const outcomes = [1, 2, 3].map((n) => batcher.add(n))
  expect(calls).toEqual([[1, 2]])
  expect(await Promise.all(outcomes)).toEqual([2, 4, 6])
  expect(calls).toEqual([[1, 2], [3]])
})

test('a call that fails fails those that it carried, and no others', async () => {
  const { batcher } = doubler(2)
  const outcomes = await Promise.allSettled([1, 2, 13, 4].map((n) => batcher.add(n)))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  expect(await batcher.add(5)).toBe(10)
})
