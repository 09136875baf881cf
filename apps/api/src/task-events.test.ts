import type { TaskRecord } from '@accepted/core'
import { expect, test } from 'vitest'
import { eventName, eventText, lastEventVersion } from './task-events.ts'

const steps: TaskRecord['steps'] = new Map([['one', { state: 'in progress', outcome: '', undoable: false }]])
const running = {
  status: 'running',
  version: 3,
  progress: 10,
  attempt: 1,
  beganMs: 5,
  updatedMs: 6,
  steps,
} as TaskRecord
const pending = { ...running, status: 'pending', beganMs: null } as TaskRecord

test.each(['completed', 'failed', 'canceled', 'awaiting_confirmation'] as const)(
  'a task that is %s is told as that, whatever was told before',
  (status) => {
    expect(eventName(null, { ...running, status })).toBe(status)
    expect(eventName(running, { ...running, status })).toBe(status)
  },
)

test('a task started when it runs and did not before, or its attempt is another', () => {
  expect(eventName(null, running)).toBe('started')
  expect(eventName(pending, running)).toBe('started')
  expect(eventName(running, { ...running, attempt: 2, beganMs: 9 })).toBe('started')
})

test('a task progressed when nothing but its progress differs, and what counts and times changes', () => {
  expect(eventName(running, { ...running, progress: 20, version: 4, updatedMs: 9 })).toBe('progress')
  const finished = new Map([['one', { state: 'finished', outcome: '1', undoable: false }] as const])
  expect(eventName(running, { ...running, progress: 20, version: 4, steps: finished })).toBe('update')
})

test('all else is an update', () => {
  expect(eventName(null, pending)).toBe('update')
  expect(eventName(running, { ...running, status: 'canceling', reason: 'client' })).toBe('update')
  expect(eventName(running, { ...running, status: 'pending' })).toBe('update')
})

test('an event is told on one line, whatever white space its document has', () => {
  expect(eventText('update', 3, '{\r\n "a":\n"\\n"\r}')).toBe(
    'id: 3\nevent: update\ndata: {  "a": "\\n" }\n\n',
  )
})

test('a Last-Event-ID names a version or nothing', () => {
  expect(lastEventVersion('7')).toBe(7)
  for (const field of [
    undefined,
    '',
    '0',
    '-1',
    '07',
    '1.5',
    '1e3',
    'W/"7"',
    '7, 7',
    '9'.repeat(16),
    '\u0000',
  ]) {
    expect(lastEventVersion(field), String(field)).toBeNull()
  }
})
