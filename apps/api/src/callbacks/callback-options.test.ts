import { DEFAULT_CALLBACK_EVENTS } from '@accepted/contract'
import { expect, test } from 'vitest'
import { readCallbackOptions } from './callback-options.ts'

const URL = 'https://shop.example/hook'

test('without options nothing is asked for', () => {
  expect(readCallbackOptions({}, {})).toEqual({ outcome: 'none' })
})

test('a URL alone asks for all but starts and progress', () => {
  for (const asked of [
    readCallbackOptions({ callback_url: URL }, {}),
    readCallbackOptions({}, { 'callback-url': URL }),
  ])
    expect(asked).toMatchObject({ outcome: 'asked', url: { href: URL }, events: DEFAULT_CALLBACK_EVENTS })
})

test('events keep the order in which they are given, each once', () => {
  const events = ['failed', 'started', 'failed']
  for (const asked of [
    readCallbackOptions({ callback_url: URL, callback_events: events }, {}),
    readCallbackOptions({ callback_url: URL }, { 'callback-events': 'failed,, started ,failed' }),
  ])
    expect(asked).toMatchObject({ events: ['failed', 'started'] })
})

test('what stands in the body and in the header may be the same', () => {
  const members = { callback_url: 'https://SHOP.example:443/hook', callback_events: ['failed', 'started'] }
  const headers = { 'callback-url': URL, 'callback-events': 'started, failed' }
  expect(readCallbackOptions(members, headers)).toMatchObject({
    outcome: 'asked',
    url: { href: URL },
    place: { pointer: '#/callback_url' },
  })
})

test('where the body and the header contradict each other, the header is at fault', () => {
  const members = { callback_url: URL, callback_events: ['failed'] }
  const headers = { 'callback-url': `${URL}/`, 'callback-events': 'started' }
  expect(readCallbackOptions(members, headers)).toEqual({
    outcome: 'faulty',
    faults: [
      { header: 'callback-url', detail: 'is not what the body says' },
      { header: 'callback-events', detail: 'is not what the body says' },
    ],
  })
})

test.each([
  [{ callback_url: null }, '#/callback_url'],
  [{ callback_url: 7 }, '#/callback_url'],
  [{ callback_url: '' }, '#/callback_url'],
  [{ callback_url: 'ftp://shop.example/' }, '#/callback_url'],
  [{ callback_url: URL, callback_events: null }, '#/callback_events'],
  [{ callback_url: URL, callback_events: [] }, '#/callback_events'],
  [{ callback_url: URL, callback_events: 'failed' }, '#/callback_events'],
  [{ callback_url: URL, callback_events: ['failed', 'ended'] }, '#/callback_events/1'],
  [{ callback_events: ['failed'] }, '#/callback_events'],
])('the members %j are at fault at %s', (members, pointer) => {
  expect(readCallbackOptions(members, {})).toEqual({
    outcome: 'faulty',
    faults: [{ pointer, detail: expect.any(String) }],
  })
})

test.each([
  [{ 'callback-url': '' }, 'callback-url'],
  [{ 'callback-url': `${URL}, ${URL}` }, 'callback-url'],
  [{ 'callback-url': 'https://bÃ¼cher.example/' }, 'callback-url'],
  [{ 'callback-url': URL, 'callback-events': '' }, 'callback-events'],
  [{ 'callback-url': URL, 'callback-events': ',' }, 'callback-events'],
  [{ 'callback-url': URL, 'callback-events': 'Failed' }, 'callback-events'],
  [{ 'callback-events': 'failed' }, 'callback-events'],
])('the headers %j are at fault at %s', (headers, header) => {
  expect(readCallbackOptions({}, headers)).toEqual({
    outcome: 'faulty',
    faults: [{ header, detail: expect.any(String) }],
  })
})

test('all faults are told at once', () => {
  const asked = readCallbackOptions({ callback_url: 1, callback_events: ['x'] }, { 'callback-url': 'x' })
  expect(asked).toMatchObject({ faults: { length: 3 } })
})
