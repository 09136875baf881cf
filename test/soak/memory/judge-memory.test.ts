import { expect, test } from 'vitest'
import { judgeMemory, type MemorySample } from './judge-memory.ts'

/** A run of ten minutes, a sample a second. */
function run(at: (seconds: number) => Partial<MemorySample>): MemorySample[] {
  return Array.from({ length: 601 }, (_, seconds) => ({
    atMs: seconds * 1000,
    tasks: seconds * 1000,
    redisBytes: 100,
    apiBytes: 200,
    workerBytes: 300,
    ...at(seconds),
  }))
}
const STEADY_FROM_MS = 120_000

test('what rises to its place, then rises and falls by the minute, is flat', () => {
  const samples = run((seconds) => ({
    redisBytes: Math.min(seconds, 100) + (seconds % 60),
    apiBytes: 100 + Math.min(seconds, 200),
  }))
  expect(judgeMemory(samples, STEADY_FROM_MS)).toEqual({
    redisGrowth: 1,
    apiSpread: 1,
    workerSpread: 1,
    faults: [],
  })
})

test('a Redis that goes on growing is found, however slowly', () => {
  const samples = run((seconds) => ({ redisBytes: 1000 + seconds }))
  expect(judgeMemory(samples, STEADY_FROM_MS).faults).toEqual(['Redis grows after retention has begun'])
})

test('a leak in a process is found', () => {
  const samples = run((seconds) => ({ apiBytes: 200 + seconds / 5, workerBytes: 300 + seconds / 5 }))
  expect(judgeMemory(samples, STEADY_FROM_MS).faults).toEqual([
    'the memory of the API is not steady over the last half',
    'the memory of the worker is not steady over the last half',
  ])
})

test('one odd look is no leak', () => {
  const samples = run((seconds) => (seconds === 500 ? { apiBytes: 2_000 } : {}))
  expect(judgeMemory(samples, STEADY_FROM_MS).faults).toEqual([])
})

test('a run that is too short is not judged', () => {
  expect(() => judgeMemory(run(() => ({})).slice(0, 240), STEADY_FROM_MS)).toThrow(RangeError)
})
