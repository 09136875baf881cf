import { expect, test } from 'vitest'
import { SlowReaders } from './slow-readers.ts'

const TERMS = { readMs: 30_000, readBytesPerSecond: 10_000 }

/** What a socket tells of a reader that was sent something and has taken a part of it. */
const reader = { bytesWritten: 0, writableLength: 0 }

test('who takes all at once is never too slow', () => {
  const readers = new SlowReaders(TERMS)
  for (let nowMs = 0; nowMs < 1_000_000; nowMs += 1000) {
    expect(readers.isTooSlow({ bytesWritten: nowMs, writableLength: 0 }, nowMs)).toBe(false)
  }
})

test('who takes nothing is too slow after the time for any answer, and that for its bytes', () => {
  const readers = new SlowReaders(TERMS)
  const stuck = { ...reader, bytesWritten: 50_000, writableLength: 50_000 }
  expect([0, 35_000, 35_001].map((nowMs) => readers.isTooSlow(stuck, nowMs))).toEqual([false, false, true])
})

test('who takes fewer bytes a second than it should is too slow in the end, who takes more never', () => {
  const readers = new SlowReaders(TERMS)
  const total = 10_000_000
  const lastsSeconds = (bytesPerSecond: number) => {
    const socket = { bytesWritten: total, writableLength: total }
    for (let second = 0; socket.writableLength > 0; second += 1) {
      if (readers.isTooSlow(socket, second * 1000)) return second
      socket.writableLength = Math.max(0, socket.writableLength - bytesPerSecond)
    }
    return Number.POSITIVE_INFINITY
  }
  // 30 s for any answer, 1,000 s for 10 MB.
  expect(lastsSeconds(5_000)).toBe(1_031)
  expect(lastsSeconds(12_000)).toBe(Number.POSITIVE_INFINITY)
})

test('who has caught up has all the time again', () => {
  const readers = new SlowReaders(TERMS)
  const socket = { bytesWritten: 1, writableLength: 1 }
  expect(readers.isTooSlow(socket, 0)).toBe(false)
  socket.writableLength = 0
  expect(readers.isTooSlow(socket, 29_000)).toBe(false)
  Object.assign(socket, { bytesWritten: 2, writableLength: 1 })
  expect([31_000, 60_000].map((nowMs) => readers.isTooSlow(socket, nowMs))).toEqual([false, false])
})
