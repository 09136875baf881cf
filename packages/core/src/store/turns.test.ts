import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

/** Callers by number, as they go on. */
function callers(turns: Turns) {
  const gone: number[] = []
  const come = (...numbers: number[]) => {
    for (const number of numbers) void turns.mine().then(() => gone.push(number))
  }
  return { gone, come }
}

test('so many go on at once, the others turn by turn, in the order in which they came', async () => {
  const { gone, come } = callers(new Turns(2))
  come(1, 2, 3, 4, 5)
  await Promise.resolve()
  const seen: number[][] = []
  for (let n = 0; n < 3; n += 1) {
    seen.push([...gone])
    await turn()
  }
  expect(seen).toEqual([
    [1, 2],
    [1, 2, 3, 4],
    [1, 2, 3, 4, 5],
  ])
})

test('who comes while others wait goes on after them', async () => {
  const { gone, come } = callers(new Turns(2))
  come(1, 2, 3, 4, 5)
  await turn()
  come(6, 7, 8)
  while (gone.length < 8) await turn()
  expect(gone).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

test('in a later turn as many go on at once again', async () => {
  const { gone, come } = callers(new Turns(2))
  come(1, 2)
  await turn()
  come(3, 4)
  await Promise.resolve()
  expect(gone).toEqual([1, 2, 3, 4])
})
