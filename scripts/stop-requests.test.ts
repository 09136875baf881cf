import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { onStopRequests } from './stop-requests.ts'

let asked: string[]
let stopListening: () => void

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  asked = []
  stopListening = onStopRequests({
    stop: () => asked.push('stop'),
    stopAtOnce: () => asked.push('stop at once'),
  })
})

afterEach(() => {
  stopListening()
  vi.useRealTimers()
})

describe('requests to stop', () => {
  test('that come together are one', () => {
    process.emit('SIGINT')
    vi.advanceTimersByTime(100)
    process.emit('SIGINT')
    process.emit('SIGTERM')
    expect(asked).toEqual(['stop'])
  })

  test('that come again later mean at once', () => {
    process.emit('SIGINT')
    vi.advanceTimersByTime(1_000)
    process.emit('SIGINT')
    expect(asked).toEqual(['stop', 'stop at once'])
  })
})
