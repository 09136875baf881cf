import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Progress } from './progress.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function recorded() {
  const written: number[] = []
  const progress = new Progress(async (percent) => {
    written.push(percent)
  })
  return { written, progress }
}

test('of a burst the first is written at once, and the newest a tenth of a second later', async () => {
  const { written, progress } = recorded()
  for (let percent = 1; percent <= 50; percent += 1) progress.set(percent)
  expect(written).toEqual([1])
  await vi.advanceTimersByTimeAsync(100)
  expect(written).toEqual([1, 50])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(written).toEqual([1, 50])
  await progress.stop()
})

test('what is out of range is cut, what is no number passed over', async () => {
  const { written, progress } = recorded()
  for (const percent of [Number.NaN, '40' as never, undefined as never, 250, -5, 33.9]) {
    progress.set(percent)
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(written).toEqual([100, 0, 33])
  await progress.stop()
})

test('a slow write is waited for, and no two are under way', async () => {
  let busy = 0
  let most = 0
  const progress = new Progress(async () => {
    busy += 1
    most = Math.max(most, busy)
    await new Promise((resolve) => setTimeout(resolve, 500))
    busy -= 1
  })
  for (let n = 0; n < 30; n += 1) {
    progress.set(n)
    await vi.advanceTimersByTimeAsync(50)
  }
  expect(most).toBe(1)
  const stopped = progress.stop()
  await vi.advanceTimersByTimeAsync(500)
  await stopped
  expect(busy).toBe(0)
})

test('after the stop nothing is written any more', async () => {
  const { written, progress } = recorded()
  progress.set(1)
  progress.set(2)
  await progress.stop()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(written).toEqual([1])
})
